import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type GuardOptions } from '../../src/feeds/guards'
import { type AdapterResponse } from '../../src/feeds/responses'
import { CACHES, errorOf, responseCacheOf, T, valueOf } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const START = 1_700_000_000_000
const DAY = 86_400_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START }))
afterEach(() => void vi.useRealTimers())

const later = (ms: number) => void vi.setSystemTime(Date.now() + ms)

describe.each(CACHES)('values written $way', ({ makeCache }) => {
  const make = (guards?: GuardOptions, ttl = 90_000) => {
    const made = responseCacheOf({ guards, cache: makeCache(), settings: { CACHE_MAX_AGE: ttl } })
    const served = (params = ETH): AdapterResponse | undefined =>
      made.cache.read(made.responseCache.getCacheKey(T, params))?.value
    const tick = (result: number, indicated?: number, params = ETH) =>
      made.responseCache.write(T, [valueOf(params, result, indicated)])
    const refused = (reason: never) => made.responseCache.refusalsOf(T).count(reason)
    return { ...made, served, tick, refused: (reason: string) => refused(reason as never) }
  }

  it.each([undefined, {}])(
    'NU-1: that are no numbers are refused by every endpoint, guards %j',
    async (guards) => {
      const { responseCache, served, tick, refused } = make(guards)
      await tick(5)
      const { timestamps } = valueOf(ETH, 1).response
      const odd = [NaN, Infinity, -Infinity].flatMap((value) => [
        { result: value, data: { result: value } },
        { result: value, data: {} },
        { result: 1, data: { result: value } },
        { result: null, data: { bid: value, mid: 1, ask: 1 } },
        { result: null, data: { bid: 1, mid: value, ask: 1 } },
        { result: null, data: { bid: 1, mid: 1, ask: value } },
      ])
      for (const response of odd)
        await responseCache.write(T, [{ params: ETH, response: { ...response, timestamps } as never }])
      expect(served()).toMatchObject({ result: 5 })
      expect(refused('not-finite')).toBe(odd.length)
      expect(JSON.stringify(served())).not.toContain('null')
    },
  )

  it('are served as they come, and not counted, where no guards are declared', async () => {
    const { served, tick, refused } = make()
    const now = Date.now()
    for (const [value, indicated] of [
      [0],
      [-5],
      [1e300],
      [6, now + 3_600_000],
      [7, now - 3_600_000],
      [8, 1],
    ] as const) {
      await tick(value, indicated)
      expect(served()).toMatchObject({ result: value })
    }
    for (const reason of [
      'not-finite',
      'not-positive',
      'out-of-range',
      'future',
      'backwards',
      'too-old',
      'unwanted',
    ])
      expect(refused(reason)).toBe(0)
  })

  it('IS-1: are judged one by one', async () => {
    const { responseCache, served } = make({})
    await responseCache.write(T, [valueOf(ETH, NaN), valueOf(BTC, 6), valueOf(ETH, 0), valueOf(ETH, 7)])
    expect([served(ETH), served(BTC)]).toMatchObject([{ result: 7 }, { result: 6 }])
  })

  it('NU-2: are positive, unless the endpoint declares otherwise', async () => {
    for (const [guards, accepted] of [
      [{}, [1e-300, 5]],
      [{ sign: 'positive' as const }, [1e-300, 5]],
      [{ sign: 'any' as const }, [-5, -0, 0, 1e-300, 5]],
      [undefined, [-5, -0, 0, 1e-300, 5]],
    ] as const) {
      const { tick, served } = make(guards)
      const seen: number[] = []
      for (const value of [-5, -0, 0, 1e-300, 5]) {
        await tick(value)
        if (served()?.result === value) seen.push(value)
      }
      expect(seen).toEqual(accepted)
    }
  })

  it('NU-2: in bid, mid and ask as well', async () => {
    const { responseCache, served } = make({})
    const { timestamps } = valueOf(ETH, 1).response
    for (const data of [
      { bid: 0, mid: 1, ask: 2 },
      { bid: 1, mid: -1, ask: 2 },
      { bid: 1, mid: 1, ask: 0 },
    ])
      await responseCache.write(T, [{ params: ETH, response: { result: null, data, timestamps } as never }])
    expect(served()).toBeUndefined()
  })

  it('NU-7: outside the declared range are refused, and those inside are served as they came', async () => {
    const bound = fc.integer({ min: -50, max: 50 })
    await fc.assert(
      fc.asyncProperty(
        bound,
        bound,
        fc.array(fc.double({ min: -100, max: 100, noNaN: true })),
        async (a, b, values) => {
          const [min, max] = [Math.min(a, b), Math.max(a, b)]
          const { tick, served } = make({ sign: 'any', min, max })
          let last: number | undefined
          for (const value of values) {
            await tick(value)
            if (value >= min && value <= max) last = value
            expect(served()?.result).toBe(last)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('FR-1: are served for as long as their own age allows, and no longer', async () => {
    const { tick, served, refused } = make({ maxAgeMs: 10_000 })
    await tick(5, START - 4_000)
    later(5_999)
    expect(served()).toMatchObject({ result: 5 })
    later(1)
    expect(served()).toBeUndefined()
    await tick(6, Date.now() - 10_000)
    expect([served(), refused('too-old')]).toEqual([undefined, 1])
    await tick(7)
    later(9_999)
    expect(served()).toMatchObject({ result: 7 })
    later(1)
    expect(served()).toBeUndefined()
  })

  it('FR-1: end with CACHE_MAX_AGE where that is shorter', async () => {
    const { tick, served } = make({ maxAgeMs: 10_000 }, 1_000)
    await tick(5, START)
    later(1_000)
    expect(served()).toBeUndefined()
  })

  it('FR-2: do not get younger by coming again, or by writeTTL', async () => {
    const step = fc.constantFrom('again', 'ttl', 'wait', 'other')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, hasTime) => {
        vi.setSystemTime(START)
        const { responseCache, served, tick } = make({ maxAgeMs: 10_000 })
        const first = valueOf(ETH, 5, hasTime ? START : undefined)
        await responseCache.write(T, [first])
        for (const what of steps) {
          if (what === 'again' && hasTime) await tick(5, START)
          if (what === 'ttl') await responseCache.writeTTL(T, [ETH], 60_000)
          if (what === 'other') await tick(6, undefined, BTC)
          if (what === 'wait') later(1_500)
          if (Date.now() - START >= 10_000) expect(served()).toBeUndefined()
          const received = served()?.timestamps.providerDataReceivedUnixMs
          if (!hasTime && received !== undefined) expect(received).toBe(START)
        }
        later(10_000)
        expect(served()).toBeUndefined()
      }),
      { numRuns: 100 },
    )
  })

  it('FR-2: have their life cut by writeTTL as asked', async () => {
    const { responseCache, served, tick } = make({ maxAgeMs: 10_000 })
    await tick(5, START)
    await responseCache.writeTTL(T, [ETH], 100)
    later(100)
    expect(served()).toBeUndefined()
  })

  /** Ticks made at these times (s before or after START), in any order, some twice, some late. */
  const ticks = fc.array(
    fc.record({ at: fc.integer({ min: -30, max: 30 }), lateBy: fc.integer({ min: 0, max: 40 }) }),
    { minLength: 1, maxLength: 25 },
  )

  /** Delivers ticks in the order of their arrival, and tells what was served after each. */
  const deliver = async (list: { at: number; lateBy: number }[], guards: GuardOptions, ttl: number) => {
    const { served, tick } = make(guards, ttl)
    const arrivals = list.map(({ at, lateBy }) => ({
      at: START + at * 1_000,
      arrives: START + (at + lateBy) * 1_000,
    }))
    arrivals.sort((a, b) => a.arrives - b.arrives)
    const seen: number[] = []
    for (const { at, arrives } of arrivals) {
      vi.setSystemTime(arrives)
      await tick(at - START + 100_000, at)
      const asOf = served()?.timestamps.providerIndicatedTimeUnixMs
      if (asOf !== undefined) seen.push(asOf)
    }
    return { seen, newest: Math.max(...arrivals.map(({ at }) => at)), last: served() }
  }

  it.each([3_000, 90_000])(
    'TM-1: never go back in time, in whatever order ticks come, with a TTL of %i ms',
    async (ttl) => {
      await fc.assert(
        fc.asyncProperty(ticks, async (list) => {
          const { seen } = await deliver(list, {}, ttl)
          expect(seen).toEqual([...seen].sort((a, b) => a - b))
        }),
        { numRuns: 150 },
      )
    },
  )

  it('TM-1: end with the newest tick of all', async () => {
    await fc.assert(
      fc.asyncProperty(ticks, async (list) => {
        const { newest, last } = await deliver(list, {}, 10 * DAY)
        expect(last?.timestamps.providerIndicatedTimeUnixMs).toBe(newest)
      }),
      { numRuns: 100 },
    )
  })

  it('TM-1: of one message do not go back either', async () => {
    const { responseCache, served } = make({})
    await responseCache.write(T, [valueOf(ETH, 2, START - 10), valueOf(ETH, 1, START - 20)])
    expect(served()).toMatchObject({ result: 2 })
  })

  it('TM-4: of the same time follow the order of arrival', async () => {
    const { tick, served } = make({})
    await tick(1, START)
    await tick(2, START)
    expect(served()).toMatchObject({ result: 2 })
  })

  it('TM-2: from the future are refused, and hold no honest tick back', async () => {
    const honest = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(
        honest,
        fc.nat(20),
        fc.integer({ min: 5_001, max: DAY }),
        async (pauses, when, ahead) => {
          vi.setSystemTime(START)
          const { tick, served, refused } = make({ maxAgeMs: 60_000 })
          for (const [n, pause] of pauses.entries()) {
            later(pause)
            if (n === when) await tick(999, Date.now() + ahead)
            await tick(n + 1, Date.now())
            expect(served()).toMatchObject({ result: n + 1 })
          }
          expect(refused('future')).toBe(when < pauses.length ? 1 : 0)
          expect(refused('backwards')).toBe(0)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('TM-2: may be ahead by the declared tolerance', async () => {
    for (const [guards, tolerance] of [
      [{}, 5_000],
      [{ futureToleranceMs: 100 }, 100],
    ] as const) {
      const { tick, served, refused } = make(guards)
      await tick(1, START + tolerance + 1)
      expect([served(), refused('future')]).toEqual([undefined, 1])
      await tick(2, START + tolerance)
      expect(served()).toMatchObject({ result: 2 })
    }
  })

  it('TM-3: hold nothing back when they were accepted while our clock was wrong', async () => {
    vi.setSystemTime(START + DAY)
    const { tick, served } = make({ maxAgeMs: 60_000 })
    await tick(1, Date.now())
    vi.setSystemTime(START)
    await tick(2, START)
    expect(served()).toMatchObject({ result: 2 })
  })

  it('FR-3: of one feed say nothing about another', async () => {
    const { tick, served } = make({ maxAgeMs: 1_000 })
    await tick(1, START)
    for (let n = 0; n < 20; n++) {
      later(100)
      await tick(n + 1, Date.now(), BTC)
    }
    expect(served(ETH)).toBeUndefined()
    expect(served(BTC)).toMatchObject({ result: 20 })
  })

  it('ER-2: that are refused do not touch the good one, and errors are let through after it', async () => {
    const { responseCache, tick, served } = make({ maxAgeMs: 1_000 })
    await tick(5, START)
    await tick(-1, START)
    await responseCache.write(T, [errorOf(ETH, 'down')])
    expect(served()).toMatchObject({ result: 5 })
    later(1_000)
    await responseCache.write(T, [errorOf(ETH, 'down')])
    expect(served()).toMatchObject({ errorMessage: 'down' })
    await tick(6, Date.now())
    expect(served()).toMatchObject({ result: 6 })
  })

  it('ID-3: of feeds that nobody wants are dropped, where the endpoint says so', async () => {
    const strict = make({})
    strict.responseCache.setWanted(T, (key) => key.includes('eth'))
    await strict.tick(5)
    await strict.tick(6, undefined, BTC)
    expect([strict.served(ETH), strict.served(BTC), strict.refused('unwanted')]).toMatchObject([
      { result: 5 },
      undefined,
      1,
    ])
    for (const guards of [undefined, { onlyWanted: false }]) {
      const { responseCache, tick, served } = make(guards)
      responseCache.setWanted(T, () => false)
      await tick(6, undefined, BTC)
      expect(served(BTC)).toMatchObject({ result: 6 })
    }
  })

  it('name the reason on the feed from the first refusal to the next good value', async () => {
    const { responseCache, tick } = make({})
    const feed = responseCache.feed(T, ETH)
    await tick(0)
    later(10)
    await tick(5, START + DAY)
    expect(feed.refusal).toEqual({
      code: 'REFUSED_VALUE',
      message: 'The last value was refused: future',
      sinceUnixMs: START,
    })
    await tick(5)
    expect(feed.refusal).toBeUndefined()
  })
})
