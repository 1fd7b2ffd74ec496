import { describe, it } from 'vitest'
import { createAdapter } from '../../../endpoints/coinbase'
import { conformance, type WsDialect } from '../../../src/testing'

const feed = (base: string, quote: string, symbol: string) => ({ params: { base, quote }, symbol })

const dialect = (): WsDialect => {
  let sequence = 0
  type Sent = { type: 'subscribe' | 'unsubscribe'; product_ids: string[] }
  return {
    read(text) {
      const { type, product_ids: products } = JSON.parse(text) as Sent
      return { [type]: products }
    },
    accept: (product) => [
      {
        type: 'subscriptions',
        channels: ['ticker', 'heartbeat'].map((name) => ({ name, product_ids: [product] })),
      },
    ],
    refuse: (product) => [
      { type: 'error', message: 'Failed to subscribe', reason: `${product} is not a valid product` },
    ],
    price: (product_id, { price, timeMs }) => ({
      type: 'ticker',
      sequence: ++sequence,
      trade_id: sequence,
      product_id,
      price,
      best_bid: price,
      best_ask: price,
      time: new Date(timeMs).toISOString(),
    }),
  }
}

conformance(
  {
    name: 'Coinbase',
    adapter: createAdapter,
    env: (url) => ({ COINBASE_WS_API_ENDPOINT: url }),
    feeds: [feed('ETH', 'USD', 'ETH-USD'), feed('BTC', 'USD', 'BTC-USD')],
    unlisted: { ...feed('ETH', 'XYZ', 'ETH-XYZ'), says: 'ETH-XYZ is not a valid product' },
    batch: { size: 100, feed: (n) => feed(`A${n}`, 'USD', `A${n}-USD`) },
    ws: dialect,
  },
  { describe, it },
)
