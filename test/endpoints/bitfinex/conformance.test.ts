import { describe, it } from 'vitest'
import { createAdapter } from '../../../endpoints/bitfinex'
import { conformance, type WsDialect } from '../../../src/testing'

const feed = (base: string, quote: string, symbol: string) => ({ params: { base, quote }, symbol })

const dialect = (): WsDialect => {
  const channels = new Map<string, number>()
  type Sent = { event: string; symbol: string; chanId: number; flags: number }
  return {
    greeting: () => [{ event: 'info', version: 2, platform: { status: 1 } }],
    read(text) {
      const { event, symbol, chanId, flags } = JSON.parse(text) as Sent
      if (event === 'conf') return { reply: [{ event, status: 'OK', flags }] }
      if (event === 'subscribe') return { subscribe: [symbol] }
      if (event !== 'unsubscribe') return undefined
      const unsubscribe = [...channels].filter(([, id]) => id === chanId).map(([name]) => name)
      return { unsubscribe, reply: [{ event: 'unsubscribed', status: 'OK', chanId }] }
    },
    accept(symbol) {
      const chanId = channels.size + 1
      channels.set(symbol, chanId)
      return [{ event: 'subscribed', channel: 'ticker', chanId, symbol, pair: symbol.slice(1) }]
    },
    refuse: (symbol) => [{ event: 'error', channel: 'ticker', symbol, msg: 'symbol: invalid', code: 10300 }],
    price: (symbol, { price, timeMs }) => [
      channels.get(symbol),
      [price, 1, price, 1, 5, 0.01, price, 900, 2000, 1700, null],
      timeMs,
    ],
  }
}

conformance(
  {
    name: 'Bitfinex',
    adapter: createAdapter,
    env: (url) => ({ BITFINEX_WS_API_ENDPOINT: url }),
    feeds: [feed('ETH', 'USD', 'tETHUSD'), feed('BTC', 'USD', 'tBTCUSD')],
    unlisted: { ...feed('ETH', 'XYZ', 'tETHXYZ'), says: 'symbol: invalid' },
    batch: { size: 1, feed: (n) => feed(`AA${n}`, 'USD', `tAA${n}USD`) },
    ws: dialect,
  },
  { describe, it },
)
