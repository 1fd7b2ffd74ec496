import {
  conformance,
  matchers,
  ReplyMatchers,
  serve,
  stepClock,
  wsProvider,
} from '@chainlink/external-adapter-framework/testing'
import { makeAcme } from './acme'

declare global {
  namespace jest {
    interface Matchers<R> extends ReplyMatchers<R> {}
  }
}
expect.extend(matchers)

it('subscribes a pair and serves its price', async () => {
  await using provider = await wsProvider()
  await using service = await serve(makeAcme, { env: { API_ENDPOINT: provider.url } })
  const asked = service.post({ base: 'ETH', quote: 'USD' })
  const connection = await provider.connection()
  expect(await connection.nextJson()).toEqual({ op: 'subscribe', s: ['ETH/USD'] })
  connection.send({ s: 'ETH/USD', p: 1800.5, t: Date.now() })
  const reply = await asked
  expect(reply).toAnswer(200, 1800.5)
  expect(reply).toBeFresh()
})

it('serves a price no longer than it may', async () => {
  await using provider = await wsProvider()
  provider.onMessage((_text, connection) => connection.send({ s: 'ETH/USD', p: 1800.5, t: Date.now() }))
  const env = { API_ENDPOINT: provider.url, CACHE_MAX_AGE: '90000' }
  await using service = await serve(makeAcme, { env })
  using clock = stepClock()
  const feed = { base: 'ETH', quote: 'USD' }
  await service.until(feed, ({ statusCode }) => statusCode === 200)
  clock.pass(91_000)
  expect(await service.post(feed)).toAnswer(504)
})

conformance({
  name: 'Acme',
  adapter: makeAcme,
  env: (url) => ({ API_ENDPOINT: url }),
  feeds: [
    { params: { base: 'ETH', quote: 'USD' }, symbol: 'ETH/USD' },
    { params: { base: 'BTC', quote: 'USD' }, symbol: 'BTC/USD' },
  ],
  unlisted: { params: { base: 'ETH', quote: 'XYZ' }, symbol: 'ETH/XYZ', says: 'there is no ETH/XYZ' },
  ws: () => ({
    read(text) {
      const { op, s } = JSON.parse(text) as { op: 'subscribe' | 'unsubscribe'; s: string[] }
      return { [op]: s }
    },
    refuse: (s) => [{ s, refused: true }],
    price: (s, { price, timeMs }) => ({ s, p: price, t: timeMs }),
  }),
})
