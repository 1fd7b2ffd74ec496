import { expect, it } from 'vitest'
import { matchers, serve, stepClock, wsProvider } from '../../../src/testing'
import { makeAcme } from './acme'

expect.extend(matchers)

const feed = { base: 'ETH', quote: 'USD' }

it('serves a price for 90 seconds, also when the wall clock is set back meanwhile', async () => {
  await using provider = await wsProvider()
  provider.onMessage((_text, connection) => connection.send({ s: 'ETH/USD', p: 1800.5, t: Date.now() }))
  const env = { API_ENDPOINT: provider.url, CACHE_MAX_AGE: '90000' }
  await using service = await serve(makeAcme, { env })
  using clock = stepClock()
  await service.until(feed, ({ statusCode }) => statusCode === 200)
  clock.pass(80_000)
  expect(await service.post(feed)).toAnswer(200, 1800.5)
  clock.setWall(-3_600_000)
  clock.pass(11_000)
  expect(await service.post(feed)).toAnswer(504)
})
