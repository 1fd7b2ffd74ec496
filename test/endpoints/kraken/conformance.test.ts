import { describe, it } from 'vitest'
import { createAdapter } from '../../../endpoints/kraken'
import { conformance, type WsDialect } from '../../../src/testing'

const feed = (base: string, quote: string, symbol: string) => ({ params: { base, quote }, symbol })

const dialect = (): WsDialect => {
  type Sent = { method: string; params: { symbol: string[] }; req_id: number }
  const answer = (text: string, symbol: string, rest: object) => {
    const { method, req_id } = JSON.parse(text) as Sent
    return [{ method, req_id, symbol, ...rest }]
  }
  return {
    greeting: () => [{ channel: 'status', type: 'update', data: [{ system: 'online' }] }],
    read(text) {
      const { method, params, req_id } = JSON.parse(text) as Sent
      if (method === 'ping') return { reply: [{ method: 'pong', req_id }] }
      return { [method]: params.symbol }
    },
    accept: (symbol, text) => answer(text, symbol, { result: { channel: 'ticker', symbol }, success: true }),
    refuse: (symbol, text) =>
      answer(text, symbol, { error: `Currency pair not supported ${symbol}`, success: false }),
    price: (symbol, { price, timeMs }) => ({
      channel: 'ticker',
      type: 'update',
      data: [{ symbol, bid: price, ask: price, last: price, timestamp: new Date(timeMs).toISOString() }],
    }),
  }
}

conformance(
  {
    name: 'Kraken',
    adapter: createAdapter,
    env: (url) => ({ KRAKEN_WS_API_ENDPOINT: url }),
    feeds: [feed('ETH', 'USD', 'ETH/USD'), feed('BTC', 'USD', 'BTC/USD')],
    unlisted: { ...feed('ETH', 'XYZ', 'ETH/XYZ'), says: 'Currency pair not supported ETH/XYZ' },
    batch: { size: 100, feed: (n) => feed(`A${n}`, 'USD', `A${n}/USD`) },
    ws: dialect,
  },
  { describe, it },
)
