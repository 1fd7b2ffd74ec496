import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareStandings, compareTimes, isBackwards, type Standing } from '../../src/feeds/order'
import { FUTURE_TOLERANCE_MS, isAhead, isBeforeClocks } from '../../src/feeds/time'
import { isUnixMs } from '../../src/util/provider-time'

const NOW = 1_700_000_000_000

const standings = fc.record({
  timeUnixMs: fc.integer({ min: NOW, max: NOW + 3 }),
  hasProviderTime: fc.boolean(),
  rank: fc.constantFrom(0, 1, 2, Infinity),
})

describe('the order of values', () => {
  it('TM-4: is by time, then by whose time it is, then by rank', () => {
    const first: Standing = { timeUnixMs: NOW, rank: 0 }
    const inOrder: Standing[] = [
      { ...first, hasProviderTime: false, rank: 1 },
      { ...first, hasProviderTime: false },
      { ...first, hasProviderTime: false, indicated: NOW + 60_000, rank: 1 },
      { ...first, rank: Infinity },
      { ...first, rank: 1 },
      first,
      { timeUnixMs: NOW + 1, hasProviderTime: false, rank: 9 },
    ]
    expect(inOrder.toReversed().toSorted(compareStandings)).toEqual(inOrder)
  })

  it('TM-4: is a total one, also among those of no rank', () => {
    fc.assert(
      fc.property(standings, standings, standings, (a, b, c) => {
        expect(Math.sign(compareStandings(a, b))).toBe(0 - Math.sign(compareStandings(b, a)))
        if (compareStandings(a, b) >= 0 && compareStandings(b, c) >= 0)
          expect(compareStandings(a, c)).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('TM-4: is none between equals of no rank', () => {
    for (const rank of [0, 1, Infinity]) {
      const one = { timeUnixMs: NOW, rank }
      expect(compareStandings(one, { ...one })).toBe(0)
    }
  })

  it('has no place for what has no time', () => {
    expect(compareTimes({ timeUnixMs: NaN }, { timeUnixMs: NOW })).toBeNaN()
    expect(compareTimes({ timeUnixMs: NaN }, { timeUnixMs: NaN })).toBeNaN()
  })

  it('TM-3: is not held up by what is ahead of our clock', () => {
    expect(isBackwards(NOW, NOW + 1, NOW, undefined)).toBe(true)
    expect(isBackwards(NOW, NOW, NOW, undefined)).toBe(false)
    expect(isBackwards(NOW, undefined, NOW, undefined)).toBe(false)
    expect(isBackwards(NOW, NOW + FUTURE_TOLERANCE_MS + 1, NOW, undefined)).toBe(false)
    expect(isBackwards(NOW, NOW + 11, NOW, 10)).toBe(false)
  })
})

describe('a time', () => {
  it('TM-2: is ahead beyond the tolerance, and when it is none', () => {
    expect(isAhead(NOW + 5_000, NOW)).toBe(false)
    expect(isAhead(NOW + 5_001, NOW)).toBe(true)
    expect(isAhead(NOW + 1, NOW, 0)).toBe(true)
    expect(isAhead(NaN, NOW)).toBe(true)
    expect(isAhead(-Infinity, NOW)).toBe(false)
  })

  it('TM-5: is plausible by its size', () => {
    expect([isUnixMs(NOW), isUnixMs(NOW / 1_000), isUnixMs(NOW * 1_000), isUnixMs(NaN)]).toEqual([
      true,
      false,
      false,
      false,
    ])
    expect([isBeforeClocks(1_514_764_860_999), isBeforeClocks(1_514_764_861_000)]).toEqual([true, false])
  })
})
