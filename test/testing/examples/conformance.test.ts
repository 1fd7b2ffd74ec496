import { describe, it } from 'vitest'
import { conformance } from '../../../src/testing'
import { makeAcme, makeAcmeHttp, makeAcmeSse } from './acme'

const acme = {
  env: (url: string) => ({ API_ENDPOINT: url }),
  feeds: [
    { params: { base: 'ETH', quote: 'USD' }, symbol: 'ETH/USD' },
    { params: { base: 'BTC', quote: 'USD' }, symbol: 'BTC/USD' },
  ],
  unlisted: { params: { base: 'ETH', quote: 'XYZ' }, symbol: 'ETH/XYZ', says: 'there is no ETH/XYZ' },
} as const

conformance(
  {
    ...acme,
    name: 'Acme over a WebSocket',
    adapter: makeAcme,
    ws: () => ({
      read(text) {
        const { op, s } = JSON.parse(text) as { op: 'subscribe' | 'unsubscribe'; s: string[] }
        return { [op]: s }
      },
      refuse: (s) => [{ s, refused: true }],
      price: (s, { price, timeMs }) => ({ s, p: price, t: timeMs }),
    }),
  },
  { describe, it },
)

conformance(
  {
    ...acme,
    name: 'Acme over HTTP',
    adapter: makeAcmeHttp,
    http: {
      read: ({ query }) => query.get('s')?.split(',') ?? [],
      answer(quotes) {
        const prices = [...quotes].map(([s, { price, timeMs }]) => ({ s, p: price, t: timeMs }))
        return { body: { prices } }
      },
    },
  },
  { describe, it },
)

conformance(
  {
    ...acme,
    name: 'Acme over server-sent events',
    adapter: makeAcmeSse,
    sse: {
      // POST /subscribe and POST /unsubscribe, each with a list of symbols
      read: ({ path, json }) => ({ [path.slice(1)]: json as string[] }),
      refuse: (s) => [{ type: 'tick', data: { s, refused: true } }],
      price: (s, { price, timeMs }) => ({ type: 'tick', data: { s, p: price, t: timeMs } }),
    },
  },
  { describe, it },
)
