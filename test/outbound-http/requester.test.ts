import { axios } from '../helpers/axios'
import { eventually } from '../helpers/eventually'
import nock from 'nock'
import { refusingHost } from '../helpers/two-addresses'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { metrics } from '../../src/metrics/registry'
import { BurstRateLimiter } from '../../src/public/rate-limiting/burst'
import { FixedIntervalRateLimiter } from '../../src/public/rate-limiting/fixed-interval'
import { type RateLimiter } from '../../src/public/rate-limiting'
import { Requester } from '../../src/public/util/requester'
import { asyncLocalStorage, LoggerFactoryProvider } from '../../src/util/logging'
import {
  AdapterConnectionError,
  AdapterDataProviderError,
  AdapterRateLimitError,
} from '../../src/validation/errors'

const HOST = 'http://provider.example'
const SETTINGS = {
  API_TIMEOUT: 20_000,
  RETRY: 0,
  REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: 0,
  MAX_HTTP_REQUEST_QUEUE_LENGTH: 200,
}

const OVERFLOW =
  'The EA was unable to execute the request to fetch the requested data from the DP because the request queue overflowed. This likely indicates that a higher API tier is needed.'

const URGENT = { isUrgent: true, isWanted: () => true }

const unlimited = () => new FixedIntervalRateLimiter().initialize([])

const requesterWith = (settings: Partial<typeof SETTINGS> = {}, rateLimiter: RateLimiter = unlimited()) =>
  new Requester(rateLimiter, { ...SETTINGS, ...settings })

// eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what must not be assumed of others
const rejection = (reason: unknown) => Promise.reject(reason)

const failureOf = async (promise: Promise<unknown>): Promise<Record<string, unknown>> => {
  try {
    await promise
  } catch (error) {
    return error as Record<string, unknown>
  }
  throw new Error('It did not fail')
}

type Hash = Record<string, { value: number; labels: Record<string, string | number> }>
const samples = (name: 'dataProviderRequests' | 'requesterQueueSize' | 'requesterQueueOverflow') =>
  Object.values((metrics.get(name) as unknown as { hashMap: Hash }).hashMap)
const total = (name: Parameters<typeof samples>[0], labels: Record<string, string | number> = {}) =>
  samples(name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0)

const warned: string[] = []
const silent = () => {}

beforeAll(() => {
  metrics.initialize()
  nock.disableNetConnect()
  nock.enableNetConnect('127.0.0.1')
})

beforeEach(() => {
  warned.length = 0
  const child = () => ({
    debug: silent,
    info: silent,
    warn: (_: unknown, text: string) => void warned.push(text),
  })
  LoggerFactoryProvider.set({ child } as never)
})

afterEach(() => {
  nock.cleanAll()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

afterAll(() => nock.restore())

const fakeTimers = () =>
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_700_000_000_000 })

describe('a request', () => {
  it('goes out through axios, and comes back with its two times', async () => {
    nock(HOST).post('/price', { of: 'ETH' }).reply(200, { price: 5 })
    const before = Date.now()
    const { response, timestamps } = await requesterWith().request<{ price: number }>('k', {
      method: 'post',
      url: `${HOST}/price`,
      data: { of: 'ETH' },
    })
    expect(response.data.price).toBe(5)
    expect(timestamps.providerDataRequestedUnixMs).toBeGreaterThanOrEqual(before)
    expect(timestamps.providerDataReceivedUnixMs).toBeGreaterThanOrEqual(
      timestamps.providerDataRequestedUnixMs,
    )
  })

  it('is seen by whoever replaces the adapter of the default axios', async () => {
    const adapter = vi.fn((config: object) => Promise.resolve({ data: 1, status: 200, config, headers: {} }))
    const original = axios.defaults.adapter
    axios.defaults.adapter = adapter as never
    try {
      expect((await requesterWith().request('k', { url: '/x' })).response.data).toBe(1)
    } finally {
      axios.defaults.adapter = original
    }
    expect(adapter).toHaveBeenCalledOnce()
  })

  it('has the time limit of API_TIMEOUT unless it has one, set on the given object', async () => {
    nock(HOST).get('/').times(2).reply(200)
    const [mine, own] = [{ url: HOST }, { url: HOST, timeout: 77_000 }]
    const requester = requesterWith()
    await Promise.all([requester.request('a', mine), requester.request('b', own)])
    expect(mine).toEqual({ url: HOST, timeout: 20_000 })
    expect(own.timeout).toBe(77_000)
  })

  it('is shared by all who ask while it is pending, and by nobody later', async () => {
    nock(HOST).get('/').times(2).reply(200, 'once')
    const requester = requesterWith()
    const spy = vi.spyOn(axios, 'request')
    const ask = () => requester.request('k', { url: HOST })
    const [a, b] = await Promise.all([ask(), ask()])
    expect(a).toBe(b)
    expect(spy).toHaveBeenCalledOnce()
    await ask()
    expect(spy).toHaveBeenCalledTimes(2)
  })

  it('does not hold others up while it is in flight', async () => {
    let letGo = () => {}
    const held = new Promise<void>((resolve) => (letGo = resolve))
    nock(HOST)
      .get('/slow')
      .reply(async () => (await held, [200]))
    nock(HOST).get('/fast').reply(200)
    const requester = requesterWith()
    const order: string[] = []
    await Promise.all([
      requester.request('slow', { url: `${HOST}/slow` }).then(() => order.push('slow')),
      requester.request('fast', { url: `${HOST}/fast` }).then(() => {
        order.push('fast')
        letGo()
      }),
    ])
    expect(order).toEqual(['fast', 'slow'])
  })

  it('keeps the AsyncLocalStorage context of its caller into axios', async () => {
    const seen: unknown[] = []
    vi.spyOn(axios, 'request').mockImplementation(() => {
      seen.push(asyncLocalStorage.getStore())
      return Promise.resolve({ data: 1, status: 200 } as never)
    })
    const requester = requesterWith({}, new FixedIntervalRateLimiter().initialize([], { rateLimit1s: 50 }))
    await Promise.all(
      ['a', 'b', 'c'].map((correlationId) =>
        asyncLocalStorage.run({ correlationId }, () => requester.request(correlationId, { url: HOST })),
      ),
    )
    expect(seen).toEqual(['a', 'b', 'c'].map((correlationId) => ({ correlationId })))
  })

  it('tells the limiter what it costs', async () => {
    nock(HOST).get('/').times(2).reply(200)
    const rateLimiter = unlimited()
    const wait = vi.spyOn(rateLimiter, 'waitForRateLimit')
    const requester = requesterWith({}, rateLimiter)
    await requester.request('a', { url: HOST }, 5)
    await requester.request('b', { url: HOST })
    expect(wait.mock.calls).toEqual([[5], [undefined]])
  })

  it('counts what became of each attempt, by method and status', async () => {
    const before = total('dataProviderRequests', { method: 'PUT', provider_status_code: 503 })
    const beforeNone = total('dataProviderRequests', { method: 'GET', provider_status_code: 0 })
    nock(HOST).put('/').reply(503)
    nock(HOST).get('/').replyWithError('gone')
    const requester = requesterWith()
    await failureOf(requester.request('a', { url: HOST, method: 'put' }))
    await failureOf(requester.request('b', { url: HOST }))
    expect(total('dataProviderRequests', { method: 'PUT', provider_status_code: 503 }) - before).toBe(1)
    expect(total('dataProviderRequests', { method: 'GET', provider_status_code: 0 }) - beforeNone).toBe(1)
  })
})

describe('a failure', () => {
  it('with an answer is an AdapterDataProviderError with all that is known', async () => {
    nock(HOST).get('/x').query({ a: 1 }).reply(404, { reason: 'unknown' })
    const url = `${HOST}/x?a=1`
    const error = await failureOf(requesterWith().request('k', { url }))
    expect(error).toBeInstanceOf(AdapterDataProviderError)
    expect(error).toMatchObject({
      statusCode: 502,
      name: 'Data Provider error',
      message: 'Request failed with status code 404',
      providerStatusCode: 404,
      errorResponse: { reason: 'unknown' },
      url,
      timestamps: {
        providerDataRequestedUnixMs: expect.any(Number) as number,
        providerDataReceivedUnixMs: expect.any(Number) as number,
        providerIndicatedTimeUnixMs: undefined,
      },
    })
    expect(axios.isAxiosError(error['cause'])).toBe(true)
  })

  it('without an answer is an AdapterConnectionError', async () => {
    const url = 'http://127.0.0.1:1/x'
    const error = await failureOf(requesterWith().request('k', { url }))
    expect(error).toBeInstanceOf(AdapterConnectionError)
    expect(error).toMatchObject({
      statusCode: 502,
      name: 'Data Provider error',
      message: 'connect ECONNREFUSED 127.0.0.1:1',
      providerStatusCode: 502,
      errorResponse: undefined,
      url,
    })
  })

  it.each([
    ['rejects with no error at all', () => rejection(undefined)],
    ['rejects with a text', () => rejection('text')],
    ['returns nothing', () => Promise.resolve(undefined)],
    [
      'throws',
      () => {
        throw new Error('at once')
      },
    ],
  ])('of an HTTP client that %s is one of the connection', async (_, request) => {
    vi.spyOn(axios, 'request').mockImplementation(request)
    expect(await failureOf(requesterWith().request('k', { url: HOST }))).toBeInstanceOf(
      AdapterConnectionError,
    )
  })

  it.each([500, 502, 408, 425, 429])(
    'with status %d is tried again RETRY times, and counts if it lasts',
    async (status) => {
      const scope = nock(HOST).get('/').times(3).reply(status)
      const requester = requesterWith({ RETRY: 2, REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: 1 })
      expect(await failureOf(requester.request('k', { url: HOST }))).toMatchObject({
        providerStatusCode: status,
      })
      expect(scope.isDone()).toBe(true)
    },
  )

  it('without an answer at any of its addresses names what each said', async () => {
    const { host, parts } = await refusingHost()
    nock.enableNetConnect(host)
    fakeTimers()
    const requester = requesterWith({ RETRY: 1, REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: 300 })
    const failing = failureOf(requester.request('k', { url: `http://${host}/` }))
    await eventually(() => expect(requester.troubleWith('k')).toBeDefined())
    expect(requester.troubleWith('k')).toMatchObject({
      code: 'CONNECTION_REFUSED',
      message: `The request to the data provider failed: ${parts}`,
    })
    await vi.advanceTimersByTimeAsync(300)
    expect(await failing).toMatchObject({ message: parts, providerStatusCode: 502 })
    nock.enableNetConnect('127.0.0.1')
  })

  it.each(['', 'Error'])('says so where the client has no words of its own but "%s"', async (message) => {
    const parts = [new Error('connect ECONNREFUSED 127.0.0.1:9'), new Error('connect ECONNREFUSED ::1:9')]
    const cause = Object.assign(new AggregateError(parts), { code: 'ECONNREFUSED' })
    vi.spyOn(axios, 'request').mockRejectedValue(
      Object.assign(new Error(message, { cause }), { code: 'ECONNREFUSED' }),
    )
    expect(await failureOf(requesterWith().request('k', { url: HOST }))).toMatchObject({
      message: 'connect ECONNREFUSED 127.0.0.1:9; connect ECONNREFUSED ::1:9',
    })
  })

  it.each([400, 401, 403, 404, 410, 422])('RL-3: with status %d is not tried again', async (status) => {
    nock(HOST).get('/').reply(status)
    expect(await failureOf(requesterWith({ RETRY: 5 }).request('k', { url: HOST }))).toMatchObject({
      providerStatusCode: status,
    })
  })

  it('waits (2^n + random) seconds before it is tried again, or as long as the setting says', async () => {
    fakeTimers()
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const run = async (sleepMs: number) => {
      const times: number[] = []
      vi.spyOn(axios, 'request').mockImplementation(() => {
        times.push(Date.now())
        return Promise.reject(new Error('down'))
      })
      const requester = requesterWith({ RETRY: 3, REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: sleepMs })
      const failing = failureOf(requester.request('k', { url: HOST }))
      await vi.advanceTimersByTimeAsync(60_000)
      await failing
      return times.slice(1).map((at, n) => at - times[n]!)
    }
    expect(await run(0)).toEqual([1_500, 2_500, 4_500])
    expect(await run(700)).toEqual([700, 700, 700])
  })

  it('is tried again after all who wait', async () => {
    fakeTimers()
    const order: string[] = []
    vi.spyOn(axios, 'request').mockImplementation(({ url }) => {
      order.push(url!)
      return order.length === 1
        ? Promise.reject(new Error('down'))
        : Promise.resolve({ status: 200 } as never)
    })
    const requester = requesterWith(
      { RETRY: 1, REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: 10 },
      new FixedIntervalRateLimiter().initialize([], { rateLimit1s: 1 }),
    )
    const all = Promise.all(['a', 'b', 'c'].map((url) => requester.request(url, { url })))
    await vi.advanceTimersByTimeAsync(5_000)
    await all
    expect(order).toEqual(['a', 'b', 'c', 'a'])
  })

  it('is known while it is tried again', async () => {
    fakeTimers()
    vi.spyOn(axios, 'request').mockRejectedValue(Object.assign(new Error('x'), { code: 'ENOTFOUND' }))
    const requester = requesterWith({ RETRY: 1, REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: 5_000 })
    const failing = failureOf(requester.request('k', { url: HOST }))
    await vi.advanceTimersByTimeAsync(0)
    expect(requester.troubleWith('k')).toMatchObject({
      code: 'HOST_NOT_FOUND',
      nextAttemptUnixMs: Date.now() + 5_000,
    })
    await vi.advanceTimersByTimeAsync(5_000)
    await failing
    expect(requester.troubleWith('k')).toBeUndefined()
  })
})

describe('the queue', () => {
  const slow = () => new FixedIntervalRateLimiter().initialize([], { rateLimit1s: 1 })

  it('drops who has waited longest when too many wait, and does not try that again', async () => {
    fakeTimers()
    vi.spyOn(axios, 'request').mockResolvedValue({ status: 200, data: 1 })
    const requester = requesterWith({ RETRY: 3, MAX_HTTP_REQUEST_QUEUE_LENGTH: 2 }, slow())
    const [size, drops] = [total('requesterQueueSize'), total('requesterQueueOverflow')]
    const outcomes = Promise.allSettled(
      ['a', 'b', 'c', 'd', 'e'].map((key) => requester.request(key, { url: HOST })),
    )
    await vi.advanceTimersByTimeAsync(0)
    // Another one has the turn meanwhile, and waits for the budget.
    expect(total('requesterQueueSize') - size).toBe(1)
    await vi.advanceTimersByTimeAsync(10_000)
    const settled = await outcomes
    expect(settled.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    const { reason } = settled[1] as PromiseRejectedResult
    expect(reason).toBeInstanceOf(AdapterRateLimitError)
    expect(reason).toMatchObject({ statusCode: 429, message: OVERFLOW, name: 'AdapterError' })
    expect(total('requesterQueueOverflow') - drops).toBe(2)
    expect(total('requesterQueueSize') - size).toBe(0)
  })

  it('lets an urgent request go first', async () => {
    fakeTimers()
    const order: string[] = []
    vi.spyOn(axios, 'request').mockImplementation(({ url }) => {
      order.push(url!)
      return Promise.resolve({ status: 200 } as never)
    })
    const requester = requesterWith({}, slow())
    const regular = ['a', 'b', 'c'].map((url) => requester.request(url, { url }))
    await vi.advanceTimersByTimeAsync(500)
    // The second one waits for the budget by now: what it gets goes to those that are more urgent, unless they cost more.
    const urgent = ['d', 'e'].map((url) => requester.requestWhile(url, { url }, undefined, URGENT))
    const dear = requester.requestWhile('f', { url: 'f' }, 5, URGENT)
    await vi.advanceTimersByTimeAsync(0)
    expect(requester.troubleWith('c')).toMatchObject({ code: 'RATE_LIMITED' })
    await vi.advanceTimersByTimeAsync(500)
    expect(order).toEqual(['a', 'd'])
    await vi.advanceTimersByTimeAsync(5_000)
    await Promise.all([...regular, ...urgent, dear])
    expect(order).toEqual(['a', 'd', 'e', 'b', 'f', 'c'])
  })

  it('RL-6: has at most one pending request for each feed, drops what newer ones supersede, and holds no more after a million cycles', async () => {
    fakeTimers()
    const spy = vi.spyOn(axios, 'request').mockResolvedValue({ status: 200 })
    const requester = requesterWith({ MAX_HTTP_REQUEST_QUEUE_LENGTH: 10 }, slow())
    const [size, drops] = [total('requesterQueueSize'), total('requesterQueueOverflow')]
    const { pending } = requester as unknown as { pending: Map<string, unknown> }
    const feeds = Array.from({ length: 40 }, (_, n) => `k${n}`)
    const outcomes = new Set<Promise<unknown>>()
    let most = 0
    for (let cycle = 0; cycle < 1_000_000; cycle++) {
      const outcome = requester.request(feeds[cycle % feeds.length]!, { url: HOST })
      if (!outcomes.has(outcome)) {
        outcomes.add(outcome)
        const over = () => void outcomes.delete(outcome)
        outcome.then(over, over)
      }
      most = Math.max(most, pending.size)
      if (cycle % 2_000 === 0) await vi.advanceTimersByTimeAsync(40)
    }
    expect(most).toBeLessThanOrEqual(feeds.length)
    // All callers of one request have one promise, and what was dropped has none.
    await vi.advanceTimersByTimeAsync(0)
    expect(outcomes.size).toBe(pending.size)
    expect(pending.size).toBeLessThanOrEqual(12)
    expect(total('requesterQueueSize') - size).toBeLessThanOrEqual(10)
    expect(total('requesterQueueOverflow') - drops).toBeGreaterThan(1_000)
    expect(vi.getTimerCount()).toBeLessThanOrEqual(3)
    // 20 s have passed, at one request a second.
    expect(spy.mock.calls.length).toBeLessThanOrEqual(21)
    requester.stop()
    await vi.advanceTimersByTimeAsync(0)
    expect(pending.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a provider that asks for a pause', () => {
  const answers = (
    ...statuses: (number | { status: number; retryAfter?: string; headers?: Record<string, string> })[]
  ) => {
    const asked: { url: string; at: number }[] = []
    const resolvers: (() => void)[] = []
    let isHeld = false
    vi.spyOn(axios, 'request').mockImplementation(async ({ url }) => {
      asked.push({ url: url!, at: Date.now() })
      const next = statuses.shift() ?? 200
      if (isHeld) await new Promise<void>((resolve) => resolvers.push(resolve))
      const { status, retryAfter, headers: others } = typeof next === 'number' ? { status: next } : next
      const headers = { ...others, ...(retryAfter !== undefined && { 'retry-after': retryAfter }) }
      const response = { status, headers, data: {} }
      if (status >= 400) throw Object.assign(new Error(`status ${status}`), { isAxiosError: true, response })
      return response
    })
    const hold = () => void (isHeld = true)
    const letGo = () => {
      isHeld = false
      for (const resolve of resolvers) resolve()
    }
    return { asked, hold, letGo }
  }

  beforeEach(() => {
    fakeTimers()
    vi.spyOn(Math, 'random').mockReturnValue(0)
  })

  const keys = ['a', 'b', 'c']

  const NOW = 1_700_000_000_000
  const dateIn = (ms: number) => new Date(NOW + ms).toUTCString()
  const headersFor20s: [string, Record<string, string>][] = [
    ['seconds', { 'retry-after': '20' }],
    ['a date', { 'retry-after': dateIn(20_000) }],
    ['a date by a clock of their own', { 'retry-after': dateIn(3_620_000), date: dateIn(3_600_000) }],
    ['seconds in a header of their own', { 'x-ratelimit-reset': '20', 'ratelimit-reset': '7' }],
    ['Unix seconds in a header of their own', { 'x-rate-limit-reset': String(NOW / 1_000 + 20) }],
    ['Unix ms in a header of their own', { 'ratelimit-reset': String(NOW + 20_000) }],
  ]

  it.each(
    headersFor20s.flatMap(([name, headers]) =>
      [429, 503].flatMap((status) => [0, 0.99].map((drawn) => ({ name, headers, status, drawn }))),
    ),
  )(
    'RL-1: is asked nothing until then and a little later (status $status, $name, jitter $drawn), then by one request alone, then by all',
    async ({ headers, status, drawn }) => {
      vi.spyOn(Math, 'random').mockReturnValue(drawn)
      const pauseMs = 20_000 + 1_000 * drawn
      const { asked, hold, letGo } = answers({ status, headers })
      const requester = requesterWith({ RETRY: 3 })
      const start = Date.now()
      // A pause longer than a retry should wait is told at once.
      expect(await failureOf(requester.request('first', { url: HOST }))).toMatchObject({
        providerStatusCode: status,
      })
      const urgent = requester.requestWhile('urgent', { url: `${HOST}/urgent` }, undefined, URGENT)
      const all = Promise.all(keys.map((key) => requester.request(key, { url: `${HOST}/${key}` })))
      await vi.advanceTimersByTimeAsync(pauseMs - 1)
      expect(asked).toHaveLength(1)
      expect(requester.troubleWith('b')).toEqual({
        code: 'RATE_LIMITED',
        message: 'The data provider asked for a pause',
        sinceUnixMs: start,
        nextAttemptUnixMs: start + pauseMs,
      })
      hold()
      await vi.advanceTimersByTimeAsync(1)
      expect(asked).toHaveLength(2)
      await vi.advanceTimersByTimeAsync(3_000)
      expect(asked).toHaveLength(2)
      letGo()
      await Promise.all([all, urgent])
      expect(asked).toHaveLength(5)
    },
  )

  it('RL-1: is asked nothing until then by requests that waited for their turn when the pause began', async () => {
    const { asked } = answers({ status: 429, retryAfter: '20' })
    const requester = requesterWith({}, new FixedIntervalRateLimiter().initialize([], { rateLimit1s: 1 }))
    const first = failureOf(requester.request('first', { url: HOST }))
    const waiting = keys.map((key) => requester.request(key, { url: `${HOST}/${key}` }))
    await first
    await vi.advanceTimersByTimeAsync(19_999)
    expect(asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(5_000)
    await Promise.all(waiting)
    expect(asked).toHaveLength(4)
  })

  it('RL-1: begins another pause if the probe is told to wait, too', async () => {
    const pause = { status: 503, retryAfter: '10' }
    const { asked } = answers(pause, pause, 200)
    const requester = requesterWith()
    await failureOf(requester.request('first', { url: HOST }))
    const all = Promise.allSettled(keys.map((key) => requester.request(key, { url: HOST })))
    await vi.advanceTimersByTimeAsync(19_999)
    expect(asked).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  })

  it('is tried again after a short pause', async () => {
    const { asked } = answers({ status: 429, retryAfter: '3' })
    const requesting = requesterWith({ RETRY: 1 }).request('k', { url: HOST })
    const start = Date.now()
    await vi.advanceTimersByTimeAsync(3_000)
    await requesting
    expect(asked.map(({ at }) => at - start)).toEqual([0, 3_000])
  })

  it('does not keep others waiting: neither other hosts, nor the queue', async () => {
    const { asked } = answers({ status: 503, retryAfter: '20' })
    const requester = requesterWith()
    await failureOf(requester.request('first', { url: HOST }))
    void requester.request('a', { url: HOST }).catch(() => {})
    await requester.request('other', { url: 'http://other.example' })
    expect(asked.map(({ url }) => url)).toEqual([HOST, 'http://other.example'])
    requester.stop()
  })

  it('refuses requests that would have to wait for long, with the time they would', async () => {
    answers({ status: 429, retryAfter: '600' })
    const requester = requesterWith()
    await failureOf(requester.request('first', { url: HOST }))
    await vi.advanceTimersByTimeAsync(10_000)
    const error = await failureOf(requester.request('a', { url: HOST }))
    expect(error).toBeInstanceOf(AdapterRateLimitError)
    expect(error).toMatchObject({ statusCode: 429, msUntilNextExecution: 590_000 })
    requester.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('RL-1: cannot silence us for longer than an hour, and that is said', async () => {
    answers({ status: 429, retryAfter: '999999' })
    const requester = requesterWith()
    await failureOf(requester.request('first', { url: HOST }))
    expect(warned).toEqual(['A data provider asked for a pause beyond all reason'])
    await vi.advanceTimersByTimeAsync(3_600_000)
    await requester.request('a', { url: HOST })
  })

  it.each(['', 'soon', '-5', '0', 'Wed, 01 Jan 2020 00:00:00 GMT'])(
    'is not heard when it says "%s"',
    async (retryAfter) => {
      const { asked } = answers({ status: 429, retryAfter })
      const requester = requesterWith()
      await failureOf(requester.request('first', { url: HOST }))
      await requester.request('a', { url: HOST })
      expect(asked).toHaveLength(2)
    },
  )

  it('is heard with 429 and 503 only', async () => {
    const { asked } = answers({ status: 500, retryAfter: '20' })
    const requester = requesterWith()
    await failureOf(requester.request('first', { url: HOST }))
    await requester.request('a', { url: HOST })
    expect(asked).toHaveLength(2)
  })

  it('lets another request be the probe when the first one is given up', async () => {
    const { asked } = answers({ status: 429, retryAfter: '10' })
    const requester = requesterWith({}, new BurstRateLimiter().initialize([], { rateLimit1m: 2 }))
    await failureOf(requester.request('first', { url: HOST }))
    await requester.request('elsewhere', { url: 'http://other.example' })
    const probe = failureOf(requester.request('a', { url: HOST }))
    const next = requester.request('b', { url: HOST })
    // The pause is over, the budget is not there yet.
    await vi.advanceTimersByTimeAsync(20_000)
    requester.cancel('a')
    await probe
    await vi.advanceTimersByTimeAsync(60_000)
    await next
    expect(asked).toHaveLength(3)
    requester.stop()
  })

  it('has no more waiting than the queue may hold', async () => {
    answers({ status: 429, retryAfter: '10' })
    const requester = requesterWith({ MAX_HTTP_REQUEST_QUEUE_LENGTH: 2 })
    await failureOf(requester.request('first', { url: HOST }))
    const outcomes = Promise.allSettled(keys.map((key) => requester.request(key, { url: HOST })))
    await vi.advanceTimersByTimeAsync(11_000)
    const settled = await outcomes
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect((settled[0] as PromiseRejectedResult).reason).toMatchObject({ message: OVERFLOW })
  })
})

describe('a requester that is stopped', () => {
  it('LC-3: rejects all that is pending, aborts what is in flight, and sends nothing more', async () => {
    let signal: AbortSignal | undefined
    const spy = vi.spyOn(axios, 'request').mockImplementation((config) => {
      signal = config.signal as AbortSignal
      return new Promise(() => {})
    })
    const requester = requesterWith(
      { RETRY: 5 },
      new FixedIntervalRateLimiter().initialize([], { rateLimit1m: 1 }),
    )
    const pending = ['a', 'b', 'c'].map((key) => failureOf(requester.request(key, { url: HOST })))
    await new Promise<void>((resolve) => setImmediate(resolve))
    requester.stop()
    const errors = await Promise.all(pending)
    expect(errors.map(({ message }) => message)).toEqual(
      Array(3).fill('The request was cancelled: its adapter has stopped'),
    )
    expect(signal?.aborted).toBe(true)
    expect(await failureOf(requester.request('d', { url: HOST }))).toMatchObject({
      message: 'The adapter has stopped: it sends no more requests',
    })
    expect(spy).toHaveBeenCalledOnce()
  })

  it('ends the wait before a retry', async () => {
    fakeTimers()
    vi.spyOn(axios, 'request').mockRejectedValue(new Error('down'))
    const requester = requesterWith({ RETRY: 1 })
    const failing = failureOf(requester.request('a', { url: HOST }))
    await vi.advanceTimersByTimeAsync(0)
    requester.stop()
    expect(await failing).toMatchObject({ message: 'The request was cancelled: its adapter has stopped' })
    expect(vi.getTimerCount()).toBe(0)
  })
})
