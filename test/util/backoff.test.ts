import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exponentialBackoff, fullAbove } from '../../src/util/backoff'

const options = fc.record({
  minMs: fc.integer({ min: 0, max: 10_000 }),
  maxMs: fc.integer({ min: 0, max: 1_200_000 }),
  factor: fc.double({ min: 1, max: 10, noNaN: true }),
})

/** Any number `Math.random` could give. */
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('exponentialBackoff', () => {
  it('draws every delay from the upper half of its nominal value', () => {
    fc.assert(
      fc.property(options, random, fc.integer({ min: 1, max: 50 }), (limits, drawn, attempts) => {
        let backoff = exponentialBackoff({ ...limits, random: () => drawn })
        for (let attempt = 0; attempt < attempts; attempt++) {
          const power = limits.factor ** attempt
          const nominal = limits.minMs === 0 ? 0 : Math.min(limits.minMs * power, limits.maxMs)
          const { delayMs, next } = backoff.next()
          expect(delayMs).toBeGreaterThanOrEqual(nominal / 2)
          expect(delayMs).toBeLessThanOrEqual(nominal)
          backoff = next
        }
      }),
    )
  })

  it('CN-5: with full jitter draws evenly from all between the floor and the nominal delay, which grows up to its limit', () => {
    let state = 1
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    const [floorMs, maxMs] = [50, 12_800]
    let backoff = exponentialBackoff({ minMs: 100, maxMs, factor: 2, jitter: fullAbove(floorMs), random })
    for (let attempt = 0; attempt < 12; attempt++) {
      const nominalMs = Math.min(100 * 2 ** attempt, maxMs)
      const delays = Array.from({ length: 2_000 }, () => backoff.next().delayMs)
      const tenths = Array.from({ length: 10 }, () => 0)
      for (const ms of delays) tenths[Math.floor((10 * (ms - floorMs)) / (nominalMs - floorMs))]! += 1
      expect(Math.min(...tenths)).toBeGreaterThan(140)
      expect(Math.max(...tenths)).toBeLessThan(260)
      backoff = backoff.next().next
    }
  })

  it('with full jitter never draws less than the floor, nor more than the nominal delay, whatever they are', () => {
    const ms = fc.integer({ min: 0, max: 1_200_000 })
    fc.assert(
      fc.property(ms, ms, random, (floorMs, nominalMs, drawn) => {
        const delayMs = fullAbove(floorMs)(nominalMs, drawn)
        expect(delayMs).toBeGreaterThanOrEqual(Math.min(floorMs, nominalMs))
        expect(delayMs).toBeLessThanOrEqual(nominalMs)
      }),
    )
  })

  it('never shrinks without jitter and stays at the limit', () => {
    let backoff = exponentialBackoff({ minMs: 100, maxMs: 1200, factor: 5, random: () => 0 })
    const delays = Array.from({ length: 5 }, () => {
      const { delayMs, next } = backoff.next()
      backoff = next
      return delayMs
    })
    expect(delays).toEqual([50, 250, 600, 600, 600])
  })

  it('is a value: asking it again gives the same step', () => {
    const first = exponentialBackoff({ minMs: 100, maxMs: 1000, factor: 2, random: () => 0 })
    first.next().next.next()
    expect(first.next().delayMs).toBe(50)
    expect(first.next().next.next().delayMs).toBe(100)
  })
})
