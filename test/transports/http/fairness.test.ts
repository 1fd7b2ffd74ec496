import { axios } from '../../helpers/axios'
import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { metrics } from '../../../src/metrics/registry'
import { FixedIntervalRateLimiter } from '../../../src/public/rate-limiting/fixed-interval'
import { SubscriptionSetFactory } from '../../../src/adapter/subscription-set-factory'
import { HttpTransport } from '../../../src/public/transports/http'
import { FairOrder } from '../../../src/transports/http/fair-order'
import { Requester } from '../../../src/outbound-http/requester'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { oneByOne, type Types } from './support'

type Context = Parameters<HttpTransport<Types>['backgroundExecute']>[0]
type Dependencies = Parameters<HttpTransport<Types>['initialize']>[0]

const NAME = 'default_single_transport'
const silent = () => {}

beforeAll(() => metrics.initialize())

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A transport on a real requester and a real set; axios answers at once. */
const crowded = async (of: { feeds: number; queue: number; perSecond: number }) => {
  LoggerFactoryProvider.set({ child: () => ({ debug: silent, warn: silent, error: silent }) } as never)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_000_000 })
  const settings = {
    API_TIMEOUT: 1_000,
    RETRY: 0,
    REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: 0,
    MAX_HTTP_REQUEST_QUEUE_LENGTH: of.queue,
    WARMUP_SUBSCRIPTION_TTL: 3_600_000,
    CACHE_MAX_AGE: 90_000,
    MAX_COMMON_KEY_SIZE: 300,
    BACKGROUND_EXECUTE_MS_HTTP: 1_000,
  }
  const served = new Map<string, number>()
  const spy = vi.spyOn(axios, 'request').mockImplementation(({ url }) => {
    const base = url!.slice(1)
    served.set(base, (served.get(base) ?? 0) + 1)
    return Promise.resolve({ status: 200, data: { price: 1 } } as never)
  })
  const limiter = new FixedIntervalRateLimiter().initialize([], { rateLimit1s: of.perSecond })
  const transport = new HttpTransport<Types>(oneByOne('http://provider.example'))
  const sets = new SubscriptionSetFactory({ CACHE_TYPE: 'local', SUBSCRIPTION_SET_MAX_ITEMS: 100 }, 'T')
  const writes: { params: { base: string }; response: { statusCode?: number; errorMessage?: string } }[] = []
  const dependencies = {
    requester: new Requester(limiter, settings),
    responseCache: { write: (_: string, results: typeof writes) => void writes.push(...results) },
    subscriptionSetFactory: sets,
  } as unknown as Dependencies
  await transport.initialize(dependencies, settings as never, 'price', NAME)
  const want = (base: string) => void transport.want({ base }, base)
  for (let n = 0; n < of.feeds; n++) want(`F${n}`)
  const pass = async () => {
    let isOver = false
    const running = transport.backgroundExecute({
      endpointName: 'price',
      adapterSettings: settings,
    } as unknown as Context)
    void running.finally(() => (isOver = true))
    while (!isOver) await vi.advanceTimersByTimeAsync(50)
    return running
  }
  const asked = () => spy.mock.calls.map(([{ url }]) => url)
  return { transport, want, pass, served, writes, asked, stop: () => dependencies.requester.stop() }
}

describe('a queue that is too short for all feeds', () => {
  it.each([
    { feeds: 5, queue: 1 },
    { feeds: 12, queue: 4 },
    { feeds: 9, queue: 7 },
  ])('RL-5: serves $feeds feeds through a queue of $queue in turn', async ({ feeds, queue }) => {
    const { pass, served, writes, stop } = await crowded({ feeds, queue, perSecond: 10 })
    for (let round = 0; round < feeds * 2; round++) await pass()
    const counts = Array.from({ length: feeds }, (_, n) => served.get(`F${n}`) ?? 0)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(writes.some(({ response }) => response.statusCode === 429)).toBe(true)
    stop()
  })

  it('RL-5: is met by an order in which everybody has the same turns, for any sizes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.integer({ min: 1, max: 30 }), (feeds, queue) => {
        const order = new FairOrder()
        const requests = Array.from({ length: feeds }, (_, n) => ({ key: String(n) }))
        const served = requests.map(() => 0)
        for (let round = 0; round < 50; round++) {
          const pass = order.arrange(requests)
          expect([...pass].map(({ key }) => key).sort()).toEqual(requests.map(({ key }) => key).sort())
          // As the queue has it: the first is through, and of the others those stay who came last.
          const outcome = pass.map(({ key }, at) => ({ key, wasDropped: at > 0 && at < pass.length - queue }))
          for (const { key, wasDropped } of outcome) if (!wasDropped) served[Number(key)]! += 1
          order.note(outcome)
        }
        expect(Math.max(...served) - Math.min(...served)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('RL-5: is met by an order that serves first what will turn stale first, for any sizes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.integer({ min: 1, max: 30 }), (feeds, queue) => {
        const order = new FairOrder()
        const requests = Array.from({ length: feeds }, (_, n) => ({ key: String(n) }))
        const lastServed = new Map<string, number>()
        for (let round = 0; round < 50; round++) {
          const pass = order.arrange(requests)
          const outcome = pass.map(({ key }, at) => ({ key, wasDropped: at > 0 && at < pass.length - queue }))
          const ages = (wasDropped: boolean) =>
            outcome.filter((one) => one.wasDropped === wasDropped).map(({ key }) => lastServed.get(key) ?? -1)
          // Nothing is served whose value is newer than that of one that is not.
          if (round > 0)
            expect(Math.max(...ages(false))).toBeLessThanOrEqual(Math.min(Infinity, ...ages(true)))
          for (const { key, wasDropped } of outcome) if (!wasDropped) lastServed.set(key, round)
          order.note(outcome)
        }
      }),
    )
  })

  it('changes no order while nothing is dropped', () => {
    const order = new FairOrder()
    const requests = ['a', 'b', 'c'].map((key) => ({ key }))
    order.note(requests.map(({ key }) => ({ key, wasDropped: false })))
    expect(order.arrange(requests)).toBe(requests)
  })
})

describe('a feed that becomes wanted', () => {
  it('while a pass is in flight, is asked for beside it and before what waits', async () => {
    const { want, pass, served, stop, transport } = await crowded({ feeds: 20, queue: 100, perSecond: 1 })
    await pass()
    const passing = pass()
    await vi.advanceTimersByTimeAsync(2_500)
    const before = [...served.values()].reduce((sum, count) => sum + count, 0)
    want('NEW')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(served.get('NEW')).toBe(1)
    expect([...served.values()].reduce((sum, count) => sum + count, 0) - before).toBe(1)
    await passing
    expect(served.get('NEW')).toBe(1)
    await transport.shutdown()
    stop()
  })

  it('is no reason to ask again for one that is asked for already', async () => {
    const { want, pass, asked, stop } = await crowded({ feeds: 3, queue: 100, perSecond: 1 })
    const passing = pass()
    await vi.advanceTimersByTimeAsync(500)
    want('F1')
    await passing
    expect(asked()).toHaveLength(3)
    stop()
  })

  it('comes first in the next pass, when none is in flight', async () => {
    const { want, pass, asked, stop } = await crowded({ feeds: 5, queue: 100, perSecond: 10 })
    await pass()
    want('NEW')
    await pass()
    expect(asked()[5]).toBe('/NEW')
    stop()
  })

  it('costs nobody anything when no request can be prepared for it', async () => {
    const { want, pass, transport, writes, stop } = await crowded({ feeds: 3, queue: 100, perSecond: 1 })
    const { config } = transport as unknown as { config: ReturnType<typeof oneByOne> }
    const { prepareRequests } = config
    config.prepareRequests = (params, settings) => {
      if (params.some(({ base }) => base === 'BAD')) throw new Error('mine')
      return prepareRequests(params, settings)
    }
    const passing = pass()
    await vi.advanceTimersByTimeAsync(500)
    want('BAD')
    await passing
    await pass()
    expect(writes.filter(({ response }) => response.errorMessage === undefined)).toHaveLength(6)
    await transport.shutdown()
    stop()
  })
})
