import {
  conformance,
  matchers,
  ReplyMatchers,
  serve,
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
