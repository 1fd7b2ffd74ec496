import { expect, it } from 'vitest'
import { matchers, type ReplyMatchers, serve, wsProvider } from '../../../src/testing'
import { makeAcme } from './acme'

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- it has no members but those
  interface Matchers<T> extends ReplyMatchers<T> {}
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
