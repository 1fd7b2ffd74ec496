import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UnwantedError } from '../../src/outbound-http/pending-request'
import { BurstRateLimiter } from '../../src/public/rate-limiting/burst'
import { FixedIntervalRateLimiter } from '../../src/public/rate-limiting/fixed-interval'
import { type AdapterRateLimitTier, type RateLimiter } from '../../src/public/rate-limiting'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_000_000 })
})

afterEach(() => vi.useRealTimers())

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

interface Admission {
  at: number
  cost: number
}

const admit = (limiter: RateLimiter, admissions: Admission[], cost?: number) =>
  limiter.waitForRateLimit(cost).then(() => admissions.push({ at: Date.now(), cost: cost ?? 1 }))

/** What was spent in each span of `lengthMs` that ends with an admission, and by how many. */
const spans = (admissions: Admission[], lengthMs: number): { count: number; sum: number }[] =>
  admissions.map(({ at: last }, i) => {
    const inside = admissions.slice(0, i + 1).filter(({ at }) => at > last - lengthMs)
    return { count: inside.length, sum: inside.reduce((sum, { cost }) => sum + cost, 0) }
  })

/** The most that was spent in any span; a request that alone costs more than the limit has one for itself. */
const mostIn = (admissions: Admission[], lengthMs: number, limit: number): number =>
  Math.max(
    0,
    ...spans(admissions, lengthMs).map(({ count, sum }) => (count === 1 && sum > limit ? limit : sum)),
  )

/** Demand: when requests come, and what each costs. */
const demand = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 400 }),
    count: fc.integer({ min: 1, max: 6 }),
    cost: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(0.1), fc.constant(0.7)),
  }),
  { minLength: 1, maxLength: 12 },
)

describe('every declared window holds', () => {
  it('RL-2: wherever a window of a second, a minute or an hour begins, the sum of costs in it is within the limit', async () => {
    const tier = fc.record({
      rateLimit1s: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(1.5), fc.constant(2.4)),
      rateLimit1m: fc.integer({ min: 5, max: 40 }),
      rateLimit1h: fc.integer({ min: 30, max: 2_000 }),
    })
    await fc.assert(
      fc.asyncProperty(tier, demand, async (limits, steps) => {
        const limiter = new BurstRateLimiter().initialize([], limits)
        const admissions: Admission[] = []
        for (const { afterMs, count, cost } of steps) {
          await pass(afterMs)
          for (let i = 0; i < count; i++) void admit(limiter, admissions, cost)
          await pass(0)
        }
        await pass(3_000)
        for (const [lengthMs, limit] of [
          [1_000, limits.rateLimit1s],
          [60_000, limits.rateLimit1m],
          [3_600_000, limits.rateLimit1h],
        ] as const)
          expect(mostIn(admissions, lengthMs, limit)).toBeLessThanOrEqual(limit + 1e-9)
        expect(admissions.length).toBeGreaterThan(0)
        limiter.stop()
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: 25 },
    )
  })

  it('RL-2: requests that came soon after each other count for the length of a window each', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1m: 10 })
    const admissions: Admission[] = []
    void admit(limiter, admissions)
    await pass(500)
    for (let i = 0; i < 29; i++) void admit(limiter, admissions)
    await pass(180_000)
    expect(admissions).toHaveLength(30)
    expect(mostIn(admissions, 60_000, 10)).toBe(10)
    limiter.stop()
  })

  const lengths = {
    rateLimit1s: 1_000,
    rateLimit1m: MINUTE_MS,
    rateLimit1h: HOUR_MS,
    rateLimit1d: DAY_MS,
    rateLimit30d: 30 * DAY_MS,
  }

  const anyTier = fc.record(
    {
      rateLimit1s: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(1.5)),
      rateLimit1m: fc.integer({ min: 2, max: 40 }),
      rateLimit1h: fc.integer({ min: 10, max: 200 }),
      rateLimit1d: fc.integer({ min: 10, max: 400 }),
      rateLimit30d: fc.oneof(fc.integer({ min: 10, max: 1_000 }), fc.constant(0.5)),
    },
    { requiredKeys: [] },
  )

  /** Demand over weeks: bursts, silences of about the length of a window, and a clock that is held meanwhile. */
  const weeks = fc.array(
    fc.record({
      afterMs: fc
        .constantFrom(...Object.values(lengths), 0)
        .chain((ms) => fc.integer({ min: Math.max(0, ms - 1_500), max: ms + 1_500 })),
      count: fc.integer({ min: 1, max: 60 }),
      cost: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(0.7)),
    }),
    { minLength: 3, maxLength: 8 },
  )

  const limiters = [
    ['burst', () => new BurstRateLimiter()],
    ['fixed interval', () => new FixedIntervalRateLimiter()],
  ] as const

  it.each(limiters)(
    'RL-2: the sum of costs in every window of any declared length is within its limit, and all are served (%s)',
    async (strategy, make) => {
      await fc.assert(
        fc.asyncProperty(anyTier, weeks, async (tier, steps) => {
          const limiter = make().initialize([], tier)
          const admissions: Admission[] = []
          for (const { afterMs, count, cost } of steps) {
            await pass(afterMs)
            const counted = strategy === 'burst' ? cost : 1
            for (let i = 0; i < count; i++) void admit(limiter, admissions, counted)
            await pass(0)
          }
          for (const [name, lengthMs] of Object.entries(lengths)) {
            const limit = tier[name as keyof typeof tier]
            if (limit === undefined) continue
            // Half a request in a window is one in two of them.
            const [ms, whole] = limit < 1 ? [lengthMs / limit, 1] : [lengthMs, limit]
            expect(mostIn(admissions, ms, whole)).toBeLessThanOrEqual(whole + 1e-9)
          }
          expect(admissions.length).toBeGreaterThan(0)
          limiter.stop()
          expect(vi.getTimerCount()).toBe(0)
        }),
        { numRuns: 40 },
      )
    },
  )

  it('RL-2: 3 requests in 30 days are three and not six, and come back after 30 days', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit30d: 3 })
    let count = 0
    for (let i = 0; i < 9; i++) void limiter.waitForRateLimit().then(() => count++)
    await pass(30 * DAY_MS - 1)
    expect(count).toBe(3)
    await pass(10 * DAY_MS)
    expect(count).toBe(4)
    limiter.stop()
  })

  it('RL-2: a day at its very rate is never without credits for longer than between any two requests', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1d: 2_880 })
    const admissions: Admission[] = []
    const ask = (): Promise<unknown> => admit(limiter, admissions).then(ask)
    void ask()
    await pass(3 * DAY_MS)
    limiter.stop()
    const gaps = admissions.slice(1).map(({ at }, i) => at - admissions[i]!.at)
    expect(Math.max(...gaps)).toBeLessThan(2 * MINUTE_MS)
    expect(mostIn(admissions, DAY_MS, 2_880)).toBeGreaterThan(2_800)
  })

  it('RL-2: what is left of an hour for each minute does not take the place of a limit of the minute', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1m: 3, rateLimit1h: 150 })
    const admissions: Admission[] = []
    for (let i = 0; i < 12; i++) void admit(limiter, admissions)
    await pass(5 * MINUTE_MS)
    expect(mostIn(admissions, MINUTE_MS, 3)).toBe(3)
    limiter.stop()
  })

  it.each(limiters)(
    'RL-2: after a start at most the declared share of an hour and longer is available until it has passed (%s)',
    async (_, make) => {
      const admissions: Admission[] = []
      const limiter = make().initialize([], { rateLimit1m: 60, rateLimit1h: 40, startShare: 0.25 })
      for (let i = 0; i < 200; i++) void admit(limiter, admissions)
      await pass(HOUR_MS - 1)
      expect(admissions).toHaveLength(10)
      await pass(2 * HOUR_MS)
      expect(mostIn(admissions, HOUR_MS, 40)).toBe(40)
      limiter.stop()
      expect(vi.getTimerCount()).toBe(0)
    },
  )

  it('RL-2: 30 requests an hour are 30 and not 60', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1h: 30 })
    let count = 0
    for (let i = 0; i < 100; i++) void limiter.waitForRateLimit().then(() => count++)
    await vi.advanceTimersByTimeAsync(3_599_999)
    expect(count).toBe(30)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(count).toBe(60)
    limiter.stop()
  })

  it('RL-2: an hour that is used up stays so, although its minutes have room', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1h: 151, rateLimit1m: 1_000 })
    let count = 0
    for (let i = 0; i < 400; i++) void limiter.waitForRateLimit().then(() => count++)
    await vi.advanceTimersByTimeAsync(3_600_000 - 1)
    expect(count).toBeLessThanOrEqual(151)
    expect(count).toBeGreaterThan(140)
    limiter.stop()
  })

  it('RL-2: evenly spaced requests never come closer than the period, however they are asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 50 }), demand, async (rateLimit1s, steps) => {
        const limiter = new FixedIntervalRateLimiter().initialize([], { rateLimit1s })
        const admissions: Admission[] = []
        for (const { afterMs, count, cost } of steps) {
          await pass(afterMs)
          for (let i = 0; i < count; i++) void admit(limiter, admissions, cost)
          await pass(0)
        }
        await pass(2_000)
        const gaps = admissions.slice(1).map(({ at }, i) => at - admissions[i]!.at)
        for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(1_000 / rateLimit1s)
        limiter.stop()
      }),
      { numRuns: 25 },
    )
  })
})

describe.each([
  ['burst', () => new BurstRateLimiter()],
  ['fixed interval', () => new FixedIntervalRateLimiter()],
])('the %s limiter', (_, make) => {
  it('lets the first request through at once', async () => {
    const limiter = make().initialize([], { rateLimit1m: 1 })
    await limiter.waitForRateLimit()
    expect(limiter.msUntilNextExecution()).toBe(60_000)
    limiter.stop()
  })

  it('does not limit without limits, and sets no timer', async () => {
    for (const limits of [undefined, {}, { rateLimit1s: 0 }]) {
      const limiter = make().initialize([], limits)
      for (let i = 0; i < 1_000; i++) await limiter.waitForRateLimit()
      expect(limiter.msUntilNextExecution()).toBe(0)
      expect(vi.getTimerCount()).toBe(0)
    }
  })

  it('serves who came first, first', async () => {
    const limiter = make().initialize([], { rateLimit1s: 2 })
    const served: number[] = []
    for (let i = 0; i < 6; i++) void limiter.waitForRateLimit().then(() => served.push(i))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(served).toEqual([0, 1, 2, 3, 4, 5])
    limiter.stop()
  })

  it('TM-6: takes no notice of a wall clock that stands still, or that steps', async () => {
    const limiter = make().initialize([], { rateLimit1s: 1 })
    const still = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms)
      vi.setSystemTime(1_000_000)
    }
    let count = 0
    for (let i = 0; i < 5; i++) void limiter.waitForRateLimit().then(() => count++)
    await still(999)
    expect(count).toBe(1)
    await still(1)
    expect(count).toBe(2)
    vi.setSystemTime(99_000_000)
    await vi.advanceTimersByTimeAsync(500)
    expect(count).toBe(2)
    vi.setSystemTime(5)
    await vi.advanceTimersByTimeAsync(500)
    expect(count).toBe(3)
    expect(limiter.msUntilNextExecution()).toBeLessThanOrEqual(1_000)
    limiter.stop()
  })

  it('takes a cost that is none for 1', async () => {
    for (const cost of [undefined, NaN, -5, Infinity, '3' as unknown as number]) {
      const limiter = make().initialize([], { rateLimit1s: 2 })
      await limiter.waitForRateLimit(cost)
      await vi.advanceTimersByTimeAsync(500)
      const admitted = vi.fn()
      void limiter.waitForRateLimit().then(admitted)
      await vi.advanceTimersByTimeAsync(0)
      expect(admitted).toHaveBeenCalledOnce()
      limiter.stop()
    }
  })

  it('leaves no timer when it is stopped, and lets nobody through after that', async () => {
    const limiter = make().initialize([], { rateLimit1s: 1 })
    const admitted = vi.fn()
    await limiter.waitForRateLimit()
    void limiter.waitForRateLimit().then(admitted)
    limiter.stop()
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(admitted).not.toHaveBeenCalled()
  })
})

describe('one that waits and leaves', () => {
  const waiting = (limiter: RateLimiter, cost: number, isWanted = true) => {
    const leaving = new AbortController()
    const admitted = vi.fn()
    const refused = vi.fn()
    const leaver = { signal: leaving.signal, isWanted }
    limiter.waitForRateLimit(cost, leaver).then(admitted, refused)
    return { leaver, leave: () => leaving.abort(new Error('left')), admitted, refused }
  }

  it('costs nothing, and lets those behind it go at once if there is room for them', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1s: 3 })
    await limiter.waitForRateLimit(2)
    const [dear, cheap] = [waiting(limiter, 3), waiting(limiter, 1)]
    await pass(0)
    expect(cheap.admitted).not.toHaveBeenCalled()
    dear.leave()
    await pass(0)
    expect(dear.refused).toHaveBeenCalledWith(new Error('left'))
    expect(cheap.admitted).toHaveBeenCalledOnce()
    await pass(1_000)
    expect(limiter.creditsThisSecond).toBe(0)
    limiter.stop()
  })

  it('RL-5: is asked when its turn has come whether it is still wanted', async () => {
    const limiter = new FixedIntervalRateLimiter().initialize([], { rateLimit1s: 1 })
    await limiter.waitForRateLimit()
    const [unwanted, wanted] = [waiting(limiter, 1), waiting(limiter, 1)]
    unwanted.leaver.isWanted = false
    await pass(999)
    expect(unwanted.refused).not.toHaveBeenCalled()
    await pass(1)
    expect(unwanted.refused).toHaveBeenCalledWith(expect.any(UnwantedError))
    expect(wanted.admitted).toHaveBeenCalledOnce()
    limiter.stop()
  })
})

describe('the fixed interval limiter', () => {
  it.each<[AdapterRateLimitTier | undefined, number]>([
    [undefined, 0],
    [{ rateLimit1h: 30 }, 120_000],
    [{ rateLimit1s: 2, rateLimit1m: 60 }, 1_000],
    [{ rateLimit1s: 2, rateLimit1m: 6_000 }, 500],
  ])('has by %j a period of %d ms', (limits, period) => {
    const limiter = new FixedIntervalRateLimiter().initialize([], limits)
    expect(limiter.period).toBe(period)
    expect(limiter.lastRequestAt).toBeNull()
  })

  it('waits only for what is left of the period', async () => {
    const limiter = new FixedIntervalRateLimiter().initialize([], { rateLimit1s: 1 })
    await limiter.waitForRateLimit(50)
    expect(limiter.lastRequestAt).toBe(1_000_000)
    await vi.advanceTimersByTimeAsync(400)
    expect(limiter.msUntilNextExecution()).toBe(600)
    await vi.advanceTimersByTimeAsync(600)
    expect(limiter.msUntilNextExecution()).toBe(0)
  })
})

describe('the burst limiter', () => {
  it('spends the credits of a second at once, and lets an expensive request wait until they reach', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1s: 10, rateLimit1h: 3_600 })
    expect(limiter).toMatchObject({ perSecondLimit: 10, perMinuteLimit: 60 })
    await limiter.waitForRateLimit(9)
    expect(limiter).toMatchObject({ creditsThisSecond: 9, creditsThisMinute: 9 })
    const admitted = vi.fn()
    void limiter.waitForRateLimit(7).then(admitted)
    await vi.advanceTimersByTimeAsync(999)
    expect(admitted).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(admitted).toHaveBeenCalledOnce()
    expect(limiter).toMatchObject({ creditsThisSecond: 7, creditsThisMinute: 16 })
    limiter.stop()
  })

  it('lets a request that alone costs more than the limit go when nothing else was spent', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1s: 3 })
    await limiter.waitForRateLimit(1)
    const admitted = vi.fn()
    void limiter.waitForRateLimit(8).then(admitted)
    await vi.advanceTimersByTimeAsync(999)
    expect(admitted).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(admitted).toHaveBeenCalledOnce()
    expect(limiter.msUntilNextExecution()).toBe(1_000)
    limiter.stop()
  })

  it('counts requests from when they reached the provider, however long that took', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1s: 3 })
    for (let i = 0; i < 3; i++) await limiter.waitForRateLimit()
    const reached = [limiter.hold(1), limiter.hold(1), limiter.hold(1)]
    const admitted = vi.fn()
    void limiter.waitForRateLimit().then(admitted)
    await vi.advanceTimersByTimeAsync(1_400)
    for (const release of reached) release()
    await vi.advanceTimersByTimeAsync(999)
    expect(admitted).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(admitted).toHaveBeenCalledOnce()
    limiter.stop()
    for (const release of reached) release()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('RS-1: keeps few timers for a month, whatever the number of requests', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit30d: 10_000_000 })
    for (let hour = 0; hour < 40 * 24; hour++) {
      for (let i = 0; i < 100; i++) await limiter.waitForRateLimit()
      await pass(HOUR_MS)
    }
    expect(vi.getTimerCount()).toBeLessThan(220)
    limiter.stop()
  })

  it('RS-1: keeps few timers, whatever the number of requests', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1m: 100_000 })
    for (let i = 0; i < 5_000; i++) {
      await limiter.waitForRateLimit()
      if (i % 10 === 0) await vi.advanceTimersByTimeAsync(20)
    }
    expect(vi.getTimerCount()).toBeLessThan(110)
    limiter.stop()
  })
})
