import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { metrics } from '../../src/metrics/registry'
import { FixedIntervalRateLimiter } from '../../src/public/rate-limiting/fixed-interval'
import { Requester } from '../../src/public/util/requester'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { axios } from '../helpers/axios'

const STREAK = 5
const SETTINGS = {
  API_TIMEOUT: 20_000,
  RETRY: 0,
  REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: 0,
  MAX_HTTP_REQUEST_QUEUE_LENGTH: 200,
}
const A = 'http://a.example'
const B = 'http://b.example'
const silent = () => {}
const said: string[] = []

beforeAll(() => metrics.initialize())

beforeEach(() => {
  said.length = 0
  const say = (_: unknown, text: string) => void said.push(text)
  LoggerFactoryProvider.set({ child: () => ({ debug: say, info: say, warn: say }) } as never)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_700_000_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

interface Attempt {
  url: string
  sentMs: number
  answeredMs: number
  isGood: boolean
}

type Outcome = number | 'no answer' | 'cut off' | 'canceled'

/** Hosts that answer after a time, and a log of what they were asked. */
const hosts = (tookMs: number, outcomeOf: (url: string, n: number) => Outcome | Promise<Outcome>) => {
  const log: Attempt[] = []
  vi.spyOn(axios, 'request').mockImplementation(async ({ url = '' }) => {
    const attempt: Attempt = { url, sentMs: Date.now(), answeredMs: Infinity, isGood: false }
    log.push(attempt)
    const outcome = await outcomeOf(url, log.length)
    if (tookMs > 0) await new Promise((resolve) => setTimeout(resolve, tookMs))
    attempt.answeredMs = Date.now()
    if (outcome === 'no answer') throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    if (outcome === 'canceled') throw Object.assign(new Error('canceled'), { code: 'ERR_CANCELED' })
    if (outcome === 'cut off')
      throw Object.assign(new Error('stream has been aborted'), { response: { status: 200, headers: {} } })
    const response = { status: outcome, headers: {}, data: {} }
    if (outcome >= 400) throw Object.assign(new Error(`status ${outcome}`), { response })
    attempt.isGood = true
    return response
  })
  return log
}

const courteous = (settings: Partial<typeof SETTINGS> = {}) =>
  new Requester(new FixedIntervalRateLimiter().initialize([]), { ...SETTINGS, ...settings }, { passMs: 0 })

const failureOf = async (promise: Promise<unknown>): Promise<Record<string, unknown>> => {
  try {
    await promise
  } catch (error) {
    return error as Record<string, unknown>
  }
  throw new Error('It did not fail')
}

const fail = async (requester: Requester, times: number, host = A) => {
  for (let n = 0; n < times; n++) await failureOf(requester.request(`f${n}`, { url: `${host}/f${n}` }))
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** Each probe may be sent so soon after the one before was answered: half a second, then a second, and so on up to five. */
const leastGapMs = (n: number) => 500 * Math.min(10, 2 ** n)

describe('a host that fails', () => {
  it('RL-4: is sent single probes, ever slower, after five failures in a row, then ever more requests from the first success on; another host is left alone', async () => {
    const failures = fc.constantFrom<Outcome>(500, 503, 401, 403, 'no answer', 'cut off')
    const scenario = fc.record({
      kind: failures,
      keys: fc.integer({ min: 1, max: 40 }),
      everyMs: fc.integer({ min: 60, max: 400 }),
      tookMs: fc.integer({ min: 1, max: 700 }),
      downMs: fc.integer({ min: 1_000, max: 40_000 }),
    })
    await fc.assert(
      fc.asyncProperty(scenario, async ({ kind, keys, everyMs, tookMs, downMs }) => {
        const start = Date.now()
        const isDown = () => Date.now() - start >= 2_000 && Date.now() - start < 2_000 + downMs
        const log = hosts(tookMs, (url) => (url.startsWith(A) && isDown() ? kind : 200))
        const requester = courteous()
        const asked: number[] = []
        for (let n = 0; Date.now() - start < downMs + 40_000; n++) {
          requester.request(`a${n % keys}`, { url: `${A}/${n % keys}` }).catch(silent)
          asked.push(Date.now())
          requester.request(`b${n}`, { url: `${B}/${n}` }).catch(silent)
          await pass(everyMs)
        }
        requester.stop()
        const ofA = log.filter(({ url }) => url.startsWith(A))
        const failed = ofA.filter(({ isGood, answeredMs }) => !isGood && answeredMs < Infinity)
        const brokenMs = failed[STREAK - 1]?.answeredMs ?? Infinity
        const later = ofA.filter(({ sentMs }) => sentMs >= brokenMs)
        // The first good answer, be it to a request that was sent before.
        const answers = ofA.filter(({ isGood }) => isGood).map(({ answeredMs }) => answeredMs)
        const aliveMs = Math.min(...answers.filter((ms) => ms >= brokenMs))
        const probes = later.filter(({ sentMs }) => sentMs < aliveMs)
        // One alone, and each later than the one before.
        const ends = [brokenMs, ...probes.map(({ answeredMs }) => answeredMs)]
        probes.forEach(({ sentMs }, n) => expect(sentMs - ends[n]!).toBeGreaterThanOrEqual(leastGapMs(n)))
        // From the first success on no more at a time than have succeeded, and one, until there were five.
        const good = later.filter(({ isGood }) => isGood)
        const inTime = good.map(({ answeredMs }) => answeredMs).sort((x, y) => x - y)
        for (const { sentMs } of good.filter(({ sentMs }) => sentMs < (inTime[STREAK - 1] ?? Infinity))) {
          const successes = inTime.filter((ms) => ms <= sentMs).length
          const inFlight = good.filter((one) => one.sentMs <= sentMs && one.answeredMs > sentMs).length
          expect(inFlight).toBeLessThanOrEqual(successes + 1)
        }
        // In the time after its return everything is as before: all are asked for again.
        if (Number.isFinite(brokenMs)) expect(good.length).toBeGreaterThan(STREAK)
        expect(requester.pauseOf('a0')).toBeUndefined()
        // The other host has been asked for everything at once.
        expect(log.filter(({ url }) => url.startsWith(B)).map(({ sentMs }) => sentMs)).toEqual(asked)
      }),
      { numRuns: 15 },
    )
  })

  it('has all who wait asked for once it was found well', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const log = hosts(100, (_, n) => (n <= STREAK ? 503 : 200))
    const requester = courteous()
    const failing = fail(requester, STREAK)
    await pass(STREAK * 100)
    await failing
    const all = Array.from({ length: 50 }, (_, n) => requester.request(`k${n}`, { url: A }))
    const sent: number[] = []
    for (let n = 0; n < 5; n++) {
      await pass(n === 0 ? 500 : 100)
      sent.push(log.length - STREAK)
    }
    // One, then two more, then as many at a time as have succeeded and one; then all that are left.
    expect(sent).toEqual([1, 3, 7, 50, 50])
    await Promise.all(all)
    expect(said).toEqual([
      'A host of the data provider fails: it is asked by single requests until it answers',
      'A host of the data provider answers again',
    ])
    requester.stop()
    await pass(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is named to those who wait, since when and until when, and to those who waited for half a minute', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const log = hosts(0, () => 503)
    const requester = courteous()
    const since = Date.now()
    await fail(requester, 1)
    await pass(300)
    await fail(requester, STREAK - 1)
    const outcome = failureOf(requester.request('k', { url: A }))
    const message =
      'The requests to this host of the data provider have failed one after another: single ones are sent until one succeeds. The last failure: The data provider answered with status 503'
    const reason = { code: 'HOST_FAILING', class: 'provider', message, sinceUnixMs: since }
    expect(requester.pauseOf('k')).toEqual({ ...reason, nextAttemptUnixMs: since + 800 })
    expect(requester.troubleWith('k')).toEqual({ ...reason, nextAttemptUnixMs: since + 800 })
    // Of those who wait, others are the probes.
    const others = Array.from({ length: 20 }, (_, n) => failureOf(requester.request(`o${n}`, { url: A })))
    await pass(500)
    await outcome
    expect(log).toHaveLength(STREAK + 1)
    await pass(40_000)
    const errors = await Promise.all(others)
    const refused = errors.filter(({ reason }) => reason !== undefined)
    expect(refused.length).toBeGreaterThan(5)
    expect(refused[0]).toMatchObject({ name: 'Data Provider error', statusCode: 502, message, reason })
    expect(refused[0]).toMatchObject({
      timestamps: { providerDataRequestedUnixMs: 0, providerDataReceivedUnixMs: 0 },
    })
    requester.stop()
  })

  it.each([
    [503, 'provider', 'status 503'],
    [401, 'auth', 'status 401'],
    [504, 'timeout', 'status 504'],
  ])(
    'ER-1: keeps the cause of the last failure, of status %s: its class is %s',
    async (status, kind, words) => {
      let answers = 500
      hosts(0, () => answers)
      const requester = courteous()
      await fail(requester, STREAK - 1)
      answers = status
      await fail(requester, 1)
      const last = failureOf(requester.request('k', { url: A }))
      expect(requester.pauseOf('k')).toMatchObject({
        code: 'HOST_FAILING',
        class: kind,
        message: expect.stringContaining(words) as string,
      })
      requester.stop()
      await last
    },
  )

  it('has no more waiting than the queue holds, and names the cause to those who have no room', async () => {
    hosts(0, () => 503)
    const requester = courteous({ MAX_HTTP_REQUEST_QUEUE_LENGTH: 2 })
    await fail(requester, STREAK)
    const first = failureOf(requester.request('a', { url: A }))
    const others = ['b', 'c'].map((key) => failureOf(requester.request(key, { url: A })))
    expect(await first).toMatchObject({ reason: { code: 'HOST_FAILING' } })
    requester.stop()
    await Promise.all(others)
  })

  it('is none where requests fail for themselves while others succeed, however many', async () => {
    const log = hosts(0, (url) => (url.includes('bad') ? 500 : 200))
    const requester = courteous()
    const round = async (bad: number[]) => {
      for (const n of bad) await failureOf(requester.request(`bad${n}`, { url: `${A}/bad` }))
      await requester.request('good', { url: `${A}/good` })
    }
    const bad = Array.from({ length: 20 }, (_, n) => n)
    for (let n = 0; n < 20; n += 4) await round(bad.slice(n, n + 4))
    for (let n = 0; n < 3; n++) await round(bad)
    expect(said).toEqual([])
    expect(log).toHaveLength(25 + 63)
    // What is new may as well be the host.
    const news = failureOf(requester.request('new', { url: `${A}/bad` }))
    for (const n of bad.slice(0, STREAK - 1))
      await failureOf(requester.request(`bad${n}`, { url: `${A}/bad` }))
    await news
    expect(said).toEqual([])
    requester.stop()
  })

  it.each([400, 404, 408, 410, 422, 425, 429])(
    'is none where requests are answered with %d',
    async (status) => {
      const log = hosts(0, () => status)
      const requester = courteous()
      await fail(requester, 3 * STREAK)
      expect(log).toHaveLength(3 * STREAK)
      expect(said).toEqual([])
    },
  )

  it('is none where authors cancel their requests, and such a probe is followed by another', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const log = hosts(0, (url, n) => (url.endsWith('mine') ? 'canceled' : n < 20 ? 503 : 200))
    const requester = courteous()
    for (let n = 0; n < 8; n++) await failureOf(requester.request('c', { url: `${A}/mine` }))
    expect(said).toEqual([])
    await fail(requester, STREAK)
    const waiting = ['mine', 'k'].map((path) => failureOf(requester.request(path, { url: `${A}/${path}` })))
    await pass(500)
    await Promise.all(waiting)
    expect(log.slice(8 + STREAK).map(({ url }) => url)).toEqual([`${A}/mine`, `${A}/k`])
    requester.stop()
  })

  it('is asked again at once where a request that was sent before is answered after all', async () => {
    let answer = silent
    const slow = new Promise<void>((resolve) => (answer = resolve))
    const log = hosts(0, async (url) => {
      if (url.endsWith('/slow')) await slow
      return url.endsWith('/slow') || url.endsWith('/k') ? 200 : 503
    })
    const requester = courteous()
    const early = requester.request('slow', { url: `${A}/slow` })
    await fail(requester, STREAK)
    const waiting = requester.request('k', { url: `${A}/k` })
    expect(requester.pauseOf('k')).toMatchObject({ code: 'HOST_FAILING' })
    answer()
    await Promise.all([early, waiting])
    expect(log).toHaveLength(STREAK + 2)
    requester.stop()
  })

  it('is not failing again for what was sent before', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    let end = silent
    const late = new Promise<void>((resolve) => (end = resolve))
    hosts(0, async (url, n) => {
      if (!url.includes('/late')) return n <= 2 * STREAK ? 503 : 200
      await late
      return 'no answer'
    })
    const requester = courteous()
    const old = Array.from({ length: STREAK }, (_, n) =>
      failureOf(requester.request(`l${n}`, { url: `${A}/late` })),
    )
    await fail(requester, STREAK)
    await pass(500)
    for (let n = 0; n < STREAK; n++) await requester.request('k', { url: A })
    end()
    await Promise.all(old)
    await requester.request('k', { url: A })
    expect(said).toHaveLength(2)
    requester.stop()
  })

  it('goes on being well where less fails than succeeds after the first probe', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const log = hosts(0, (_, n) => (n <= STREAK || n === STREAK + 2 ? 503 : 200))
    const requester = courteous()
    await fail(requester, STREAK)
    await pass(500)
    const start = Date.now()
    await requester.request('good', { url: A })
    await failureOf(requester.request('bad', { url: A }))
    for (let n = 0; n < STREAK; n++) await requester.request('good', { url: A })
    expect(log.filter(({ sentMs }) => sentMs === start)).toHaveLength(STREAK + 2)
    expect(said).toHaveLength(2)
    requester.stop()
  })

  it('that says Retry-After as well is given the longer pause of both', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const times: number[] = []
    const answers = [...Array<string | undefined>(STREAK).fill(undefined), '20', undefined]
    const start = Date.now()
    vi.spyOn(axios, 'request').mockImplementation(() => {
      times.push(Date.now() - start)
      const after = answers.shift()
      const response = { status: 503, headers: after === undefined ? {} : { 'retry-after': after } }
      return Promise.reject(Object.assign(new Error('x'), { response }))
    })
    const requester = courteous()
    await fail(requester, STREAK)
    const [one, two, three] = ['a', 'b', 'c'].map((key) => failureOf(requester.request(key, { url: A })))
    await pass(500)
    await one
    expect(requester.troubleWith('b')).toMatchObject({ code: 'RATE_LIMITED' })
    await pass(20_000)
    await two
    // Its probe has failed again.
    await pass(1_000)
    await three
    expect(times.slice(STREAK)).toEqual([500, 20_500, 21_500])
    requester.stop()
  })

  it('is asked as ever where no courtesy is wanted, as under TestAdapter', async () => {
    const log = hosts(0, () => 503)
    const requester = new Requester(new FixedIntervalRateLimiter().initialize([]), SETTINGS)
    await fail(requester, 50)
    expect(log).toHaveLength(50)
    expect(vi.getTimerCount()).toBe(0)
  })
})
