import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Homes } from '../../../src/transports/websocket/care/homes'

describe('the homes of feeds', () => {
  const steps = fc.array(
    fc.uniqueArray(
      fc.nat({ max: 30 }).map((n) => `F${n}`),
      { maxLength: 25 },
    ),
    {
      maxLength: 12,
    },
  )

  it('SB-8: stay what they are while a feed is wanted, whatever else comes and goes, within the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), steps, (size, wants) => {
        const homes = new Homes(size)
        let before = new Map<string, number>()
        for (const wanted of wants) {
          homes.assign(wanted)
          const now = new Map(wanted.map((one) => [one, homes.of(one)]))
          for (const [one, home] of now) if (before.has(one)) expect(home).toBe(before.get(one))
          const counts = new Map<number, number>()
          for (const home of now.values()) counts.set(home, (counts.get(home) ?? 0) + 1)
          expect(Math.max(0, ...counts.values())).toBeLessThanOrEqual(size)
          before = now
        }
      }),
    )
  })
})
