import { afterEach, expect, it, vi } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { eventually } from '../../helpers/eventually'
import { steps } from '../../helpers/steps'
import { config, FAKED, start, tick } from './support'

const SECONDS = 10
/** Ticks a second, and requests a second. */
const RATE = 20
const LONG = { WS_SUBSCRIPTION_TTL: '900000', SUBSCRIPTION_SET_MAX_ITEMS: '10000' }

afterEach(() => void vi.useRealTimers())

/** What ten seconds cost with the same ticks and requests, where so many feeds are wanted. */
const costOf = async (wanted: number): Promise<number> => {
  vi.useFakeTimers({ toFake: [...FAKED.toFake] })
  await using provider = await wsProvider()
  await using service = await start(config(provider.url), { ...LONG, CACHE_POLLING_MAX_RETRIES: '0' })
  const params = (feed: number) => ({ base: `F${feed}`, quote: 'USD' })
  const { subscriptionSet, responseCache, name } = service.transport
  for (let feed = 0; feed < wanted; feed++)
    await subscriptionSet.add(params(feed), 900_000, responseCache.getCacheKey(name, params(feed)))
  const second = async () => void (await vi.advanceTimersByTimeAsync(1_000))
  await eventually(async () => {
    await second()
    expect(provider.connections[0]?.received.length).toBe(wanted)
  })
  const connection = await provider.connection(0)
  let price = 1
  const work = async () => {
    for (let at = 0; at < SECONDS; at++) {
      price++
      for (let feed = 0; feed < RATE; feed++) connection.send(tick(params(feed), price))
      await service.until(params(RATE - 1), ({ json }) => json.result === price)
      for (let feed = 0; feed < RATE; feed++) await service.post(params(feed))
      await second()
    }
  }
  // What is done once for a feed is not counted.
  await work()
  const cost = await steps(work)
  vi.useRealTimers()
  return cost
}

it('RS-6: ten seconds with the same ticks and requests cost the same, whether a hundred, a thousand or ten thousand feeds are wanted', async () => {
  const costs: number[] = []
  for (const wanted of [100, 1_000, 10_000]) costs.push(await costOf(wanted))
  expect(costs[0]).toBeGreaterThan(SECONDS * RATE)
  expect(Math.max(...costs) / costs[0]!, costs.join(', ')).toBeLessThan(1.5)
}, 120_000)
