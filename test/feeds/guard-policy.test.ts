import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type AdapterSettings } from '../../src/config/settings'
import { checkGuardPolicy, type GuardOutcome, type JudgedReason } from '../../src/feeds/guard-policy'
import { type GuardOptions } from '../../src/feeds/guards'
import { CACHES, responseCacheOf, T, valueOf } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const START = 1_700_000_000_000
const MINUTE = 60_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START }))
afterEach(() => void vi.useRealTimers())

const pass = (ms: number) => void vi.advanceTimersByTime(ms)

const make = (
  guards: GuardOptions,
  settings: Partial<AdapterSettings> = {},
  makeCache = CACHES[0]!.makeCache,
) => {
  const cache = makeCache()
  const { responseCache } = responseCacheOf({
    guards,
    cache,
    settings: { CACHE_MAX_AGE: 90_000, ...settings },
  })
  const feed = responseCache.feed(T, ETH)
  return {
    responseCache,
    feed,
    tick: (result: unknown, indicated?: number, data: object = {}) => {
      const { timestamps } = valueOf(ETH, 1, indicated).response
      return responseCache.write(T, [{ params: ETH, response: { result, data, timestamps } as never }])
    },
    served: () => cache.read(feed.key)?.value.result,
    refused: (reason: string) => responseCache.refusalsOf(T).count(reason),
    reported: (reason: string) => responseCache.reportsOf(T).count(reason),
  }
}
type Made = ReturnType<typeof make>

/** For each guard: what it needs, and how a value comes that it is against. Before that 100 is served. */
const GUARDS: Record<JudgedReason, { guards?: GuardOptions; bad: (made: Made) => Promise<void> }> = {
  'not-finite': { bad: ({ tick }) => tick(NaN) },
  missing: { bad: ({ tick }) => tick(null) },
  'not-a-number': { bad: ({ tick }) => tick('abc') },
  'not-positive': { bad: ({ tick }) => tick(-7) },
  'out-of-range': { guards: { max: 1_000 }, bad: ({ tick }) => tick(5_000) },
  crossed: { bad: ({ tick }) => tick(7, undefined, { bid: 12, ask: 9 }) },
  'impossible-time': { bad: ({ tick }) => tick(7, 1) },
  future: { bad: ({ tick }) => tick(7, START + MINUTE) },
  backwards: { bad: ({ tick }) => tick(7, START - 1) },
  'too-old': { guards: { maxAgeMs: 50_000 }, bad: ({ tick }) => tick(7, START - 50_001) },
  jump: { guards: { maxJump: 0.1 }, bad: ({ tick }) => tick(7) },
  frozen: { guards: { frozenAfterMs: 0 }, bad: ({ tick }) => tick(100) },
}
const NEVER_SERVED = ['not-finite', 'missing', 'not-a-number', 'impossible-time', 'future']
const names = Object.keys(GUARDS) as JudgedReason[]
const flaggable = names.filter((name) => !NEVER_SERVED.includes(name))

/** With 100 served, unless the guard is against any value. */
const withGood = async (name: JudgedReason, outcome: GuardOutcome | undefined, more: GuardOptions = {}) => {
  const policy = outcome === undefined ? undefined : { [name]: outcome }
  const made = make({ ...GUARDS[name].guards, policy, ...more })
  if (name === 'frozen') {
    const { cache } = made.responseCache.dependencies
    await cache.set(made.feed.key, valueOf(ETH, 100).response, 90_000)
  } else await made.tick(100, name === 'too-old' ? undefined : START)
  return made
}

describe.each(names)('the guard %s', (name) => {
  it('refuses with the policy refuse, and leaves the last good value its own end', async () => {
    const made = await withGood(name, 'refuse')
    await GUARDS[name].bad(made)
    const { maxAgeMs = 90_000 } = GUARDS[name].guards ?? {}
    pass(maxAgeMs - 1)
    expect([made.served(), made.refused(name), made.reported(name)]).toEqual([100, 1, 0])
    pass(1)
    expect(made.served()).toBeUndefined()
  })

  it('lets the last good value be served for no longer than declared with the policy hold', async () => {
    const made = await withGood(name, 'hold', { maxHoldMs: 4_000 })
    await GUARDS[name].bad(made)
    expect([made.served(), made.refused(name), made.reported(name)]).toEqual([100, 1, 0])
    pass(3_999)
    expect(made.served()).toBe(100)
    pass(1)
    expect(made.served()).toBeUndefined()
  })

  it('holds jumps for ten seconds, and refuses else, by default', async () => {
    const made = await withGood(name, undefined)
    await GUARDS[name].bad(made)
    expect([made.served(), made.refused(name), made.reported(name)]).toEqual([100, 1, 0])
    pass(9_999)
    expect(made.served()).toBe(100)
    pass(1)
    expect(made.served()).toBe(name === 'jump' ? undefined : 100)
  })
})

describe.each(flaggable)('the guard %s with the policy flag', (name) => {
  it('serves the value as it came, counts it, and says so when it has ended', async () => {
    const made = await withGood(name, 'flag')
    await GUARDS[name].bad(made)
    expect(made.served()).toBe(
      { 'not-positive': -7, 'out-of-range': 5_000, frozen: 100 }[name as string] ?? 7,
    )
    expect([made.refused(name), made.reported(name)]).toEqual([0, 1])
    pass(90_000)
    expect(made.feed.absence?.message).toContain(`; it was flagged: ${name}`)
  })
})

describe('a policy', () => {
  const NO_LIMITS = { onlyWanted: false }

  it.each<[JudgedReason, GuardOptions, string, (made: Made) => Promise<void>]>([
    ['not-positive', { min: 1 }, 'out-of-range', ({ tick }) => tick(-7)],
    ['out-of-range', { max: 200 }, 'future', ({ tick }) => tick(5_000, START + MINUTE)],
    ['crossed', NO_LIMITS, 'future', ({ tick }) => tick(7, START + MINUTE, { bid: 12, ask: 9 })],
    ['backwards', { maxJump: 0.1 }, 'jump', ({ tick }) => tick(7, START - 1)],
    ['too-old', { maxAgeMs: 50_000, maxJump: 0.1 }, 'backwards', ({ tick }) => tick(7, START - 50_001)],
    ['jump', { maxJump: 0.1, maxAgeMs: 50_000 }, 'too-old', ({ tick }) => tick(7, START - 50_001)],
    [
      'frozen',
      { frozenAfterMs: 1, maxAgeMs: 50_000 },
      'too-old',
      async ({ tick }) => (pass(51_000), tick(100, START)),
    ],
  ])(
    'that flags %s, with %j, does not keep a value from being refused as %s',
    async (name, guards, reason, bad) => {
      const made = make({ ...guards, policy: { [name]: 'flag' } })
      await made.tick(100, name === 'jump' ? undefined : START)
      await bad(made)
      expect(made.served()).not.toBe(7)
      expect([made.refused(reason), made.reported(name)]).toEqual([1, 0])
    },
  )

  it('counts each guard that a served value was flagged by', async () => {
    const { tick, served, reported, refused } = make({
      max: 10,
      policy: { 'out-of-range': 'flag', crossed: 'flag' },
    })
    await tick(20, undefined, { bid: 30, ask: 25 })
    expect([served(), reported('out-of-range'), reported('crossed')]).toEqual([20, 1, 1])
    await tick(20, START + MINUTE, { bid: 30, ask: 25 })
    expect([refused('future'), reported('out-of-range'), reported('crossed')]).toEqual([1, 1, 1])
  })

  it('forgets the flags of a value with the next one', async () => {
    const { tick, feed } = make({ max: 10, policy: { 'out-of-range': 'flag' } })
    await tick(20)
    await tick(5)
    pass(90_000)
    expect(feed.absence?.message).not.toContain('flagged')
  })

  it('NU-7: serves what came and nothing else, whatever it says', async () => {
    const outcome = fc.constantFrom<GuardOutcome>('refuse', 'hold', 'flag')
    const policy = fc.record({ 'out-of-range': outcome, jump: outcome, 'not-positive': outcome })
    await fc.assert(
      fc.asyncProperty(policy, fc.array(fc.integer({ min: -20, max: 20 })), async (outcomes, values) => {
        const { tick, served } = make({ min: -10, max: 10, maxJump: 0.5, policy: outcomes })
        const came = new Set<unknown>([undefined])
        for (const value of values) {
          await tick(value)
          came.add(value)
          expect(came).toContain(served())
          if (outcomes['not-positive'] !== 'flag' && served() !== undefined)
            expect(served()).toBeGreaterThan(0)
          if (outcomes['out-of-range'] !== 'flag' && served() !== undefined)
            expect(Math.abs(served() as number)).toBeLessThanOrEqual(10)
        }
      }),
    )
  })

  it('lets times go back where that is flagged, and on from there', async () => {
    const { tick, served, reported } = make({ policy: { backwards: 'flag' } })
    await tick(1, START)
    await tick(2, START - 20_000)
    await tick(3, START - 10_000)
    expect([served(), reported('backwards')]).toEqual([3, 1])
  })

  it('is not enforced where the operator only has guards reported', async () => {
    const { tick, served, refused, reported } = make({ max: 10, policy: { 'out-of-range': 'hold' } }, {
      GUARD_POLICY: 'report',
    } as never)
    await tick(20)
    expect([served(), refused('out-of-range'), reported('out-of-range')]).toEqual([20, 0, 1])
  })

  it.each(CACHES)(
    'holds values written $way although their provider confirms them',
    async ({ makeCache }) => {
      const made = make({ max: 1_000, policy: { 'out-of-range': 'hold' }, maxHoldMs: 4_000 }, {}, makeCache)
      await made.tick(100)
      await made.tick(5_000)
      for (let second = 0; second < 4; second++) {
        expect(made.served()).toBe(100)
        await made.responseCache.writeTTL(T, [ETH], 90_000)
        await made.tick(5_000)
        pass(1_000)
      }
      expect(made.served()).toBeUndefined()
      await made.tick(101)
      await made.responseCache.writeTTL(T, [ETH], 90_000)
      pass(89_999)
      expect(made.served()).toBe(101)
    },
  )

  it('has its own time for jumps where the jump guard declares one', async () => {
    const made = make({ maxJump: { ratio: 0.1, maxHoldMs: 2_000 }, maxHoldMs: 4_000 })
    await made.tick(100)
    await made.tick(500)
    pass(1_999)
    expect(made.served()).toBe(100)
    pass(1)
    expect(made.served()).toBeUndefined()
  })
})

describe('a policy that cannot be', () => {
  const check = (guards: object) => () => checkGuardPolicy(guards, 'price')

  it.each(NEVER_SERVED)('flags %s', (name) => {
    expect(check({ policy: { [name]: 'flag' } })).toThrow(
      `Endpoint "price": guards.policy: "${name}" may not be flagged, because such a value is never served`,
    )
  })

  it.each(['withdrawn', 'unwanted', 'outOfRange', 'toString', '__proto__', ''])('names %j', (name) => {
    const policy = JSON.parse(`{"${name}": "refuse"}`) as object
    expect(check({ policy })).toThrow(`"${name}" is no guard; there are not-finite, missing,`)
  })

  it.each(['clamp', '', true, null, 1, {}])('says %j of a guard', (outcome) => {
    expect(check({ policy: { jump: outcome } })).toThrow(
      `"jump" may be refuse, hold, flag, and not ${JSON.stringify(outcome)}`,
    )
  })

  it.each([null, 'flag', [], 5])('is %j', (policy) => {
    expect(check({ policy })).toThrow('guards.policy is not an object')
  })

  it.each([-1, NaN, Infinity, '5'])('holds for %s ms', (maxHoldMs) => {
    expect(check({ maxHoldMs })).toThrow('guards.maxHoldMs')
  })

  it('is told whole, in one error', () => {
    expect(check({ policy: { future: 'flag', what: 'hold' }, maxHoldMs: -1 })).toThrow(
      /"future" may not.*; .*"what" is no guard.*; guards\.maxHoldMs/,
    )
  })

  it('is anything but these', () => {
    for (const name of names) {
      for (const outcome of ['refuse', 'hold', undefined])
        expect(check({ policy: { [name]: outcome } })).not.toThrow()
    }
    for (const name of flaggable) expect(check({ policy: { [name]: 'flag' } })).not.toThrow()
    for (const guards of [{}, { policy: {} }, { policy: undefined, maxHoldMs: 0 }])
      expect(check(guards)).not.toThrow()
  })
})
