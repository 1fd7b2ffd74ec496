import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { Retry } from '../../src/connections/retry'
import { metrics } from '../../src/metrics/registry'
import { ProviderPause } from '../../src/outbound-http/provider-pause'
import { afterDeath, USEFUL_LIFE_MS } from '../../src/service/workers/restarts'
import { WriterLink } from '../../src/service/workers/writer-link'
import { HoldOff } from '../../src/transports/http/hold-off'
import { SubscriptionRequests } from '../../src/transports/sse/subscription-requests'
import { afterClose } from '../../src/transports/stream-retries'
import { StreamingTransport } from '../../src/transports/streaming-transport'
import { type EndpointContext, type TransportGenerics } from '../../src/transports/transport'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { eventually } from '../helpers/eventually'
import { silentLoggers } from './support'

const SETTINGS = {
  STREAM_HANDLER_RETRY_MIN_MS: 100,
  STREAM_HANDLER_RETRY_MAX_MS: 5_000,
  STREAM_HANDLER_RETRY_EXP_FACTOR: 3,
}

const nothing = () => {}

beforeAll(() => {
  LoggerFactoryProvider.set(silentLoggers)
  metrics.initialize()
})

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_700_000_000_000 })
})

afterEach(() => {
  // In this order: what is spied on is the fake.
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** Lets jitter draw these numbers, over and over. */
const drawing = (...numbers: number[]) => {
  let draws = 0
  return vi.spyOn(Math, 'random').mockImplementation(() => numbers[draws++ % numbers.length]!)
}

/** The delay of the one timer that `begin` sets, which then passes. */
const delayOf = async (begin: () => unknown): Promise<number> => {
  const timers = vi.spyOn(globalThis, 'setTimeout')
  timers.mockClear()
  await begin()
  const delays = timers.mock.calls.map(([, delayMs]) => delayMs!)
  expect(delays).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(Math.ceil(delays[0]!))
  return delays[0]!
}

it('after a connection that closed: practically at once if it was useful, else from a floor up to ever later', async () => {
  drawing(0, 0.5)
  const reconnection = new Retry(afterClose)
  const delays: number[] = []
  const [useful, useless] = [1_000, 999].map((livedMs) => ({ settings: SETTINGS, livedMs }))
  for (const wasUseful of [false, false, false, false, false, true, true, false, false])
    delays.push(await delayOf(() => reconnection.again((wasUseful ? useful : useless)!)))
  expect(delays).toEqual([25, 87.5, 25, 687.5, 25, 7.5, 5, 37.5, 25])
})

it('after a failed pass of a stream: as contract 10.3 has it, less up to a quarter', async () => {
  drawing(0, 0.5)
  class Stream extends StreamingTransport<TransportGenerics> {
    isUnheard = false
    getSubscriptionTtlFromConfig = () => 1_000
    streamHandler = () => Promise.reject(new Error('no'))
    protected override wasUnheard = () => this.isUnheard
  }
  const stream = new Stream()
  const context = { endpointName: 'price', adapterSettings: SETTINGS } as unknown
  const delays: number[] = []
  for (const isUnheard of [false, true, true, false, false, true]) {
    stream.isUnheard = isUnheard
    const begin = () => stream.backgroundHandler(context as EndpointContext<TransportGenerics>, [])
    delays.push(await delayOf(begin))
  }
  expect(delays).toEqual([100, 262.5, 375, 410.15625, 1406.25, 3691.40625])
})

it('after a failed request: from its first interval to its longest, each key by itself', async () => {
  drawing(0, 0.5)
  const holds = new HoldOff(nothing)
  const delays = Array.from({ length: 6 }, () => holds.failed('a', 100, 1_000))
  expect(delays).toEqual([50, 150, 200, 600, 500, 750])
  expect(holds.failed('b', 1_000, 10_000)).toBe(500)
  holds.succeeded('a')
  expect(holds.failed('a', 100, 1_000)).toBe(75)
  holds.stop()
})

it('after a failed subscription: one pause for all that failed meanwhile', async () => {
  drawing(0, 0.5)
  const requests = new SubscriptionRequests<{ base: string }>(nothing)
  const postpone = () => {
    requests.postpone([{ base: 'ETH' }], SETTINGS)
    requests.postpone([{ base: 'BTC' }], SETTINGS)
  }
  const delays: number[] = []
  for (let time = 0; time < 5; time++) delays.push(await delayOf(postpone))
  requests.takeDue([])
  requests.succeeded()
  delays.push(await delayOf(postpone))
  expect(delays).toEqual([50, 225, 450, 2_025, 2_500, 75])
})

it('after a process that died: quick again after a useful life', () => {
  let draws = 0
  let policy = afterDeath(() => (draws++ % 2) / 2)
  const delays = [10, 10, 10, USEFUL_LIFE_MS, 10, 10].map((livedMs) => {
    const { delayMs, next } = policy.next({ livedMs })
    policy = next
    return delayMs
  })
  expect(delays).toEqual([100, 300, 400, 150, 200, 600])
})

it('after the link to the writer: from 20 ms to half a second', async () => {
  vi.useRealTimers()
  drawing(0)
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const link = new WriterLink('/nowhere/at/all')
  link.start()
  await eventually(() => expect(timers.mock.calls.length).toBeGreaterThan(4))
  link.stop()
  const delays = timers.mock.calls.map(([, delayMs]) => delayMs)
  expect(delays).toEqual(expect.arrayContaining([10, 20, 40, 80]))
})

it('after a pause that a provider asked for: a little later, by a tenth and at most a second', () => {
  drawing(0.5)
  const pause = new ProviderPause({ maxWaiters: 10, overflow: () => new Error() })
  pause.begin(1_000)
  expect(pause.reason!.nextAttemptUnixMs! - Date.now()).toBe(1_050)
  pause.begin(20_000)
  expect(pause.reason!.nextAttemptUnixMs! - Date.now()).toBe(20_500)
  pause.stop()
})
