import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { timeFromIso, timeFromUnixMs } from '../../../endpoints/common/provider-time'

const NOW = Date.UTC(2026, 9, 4)

describe("a provider's time", () => {
  it('TM-5: loses what is below a millisecond, never rounded', () => {
    expect(timeFromIso('2026-10-03T20:58:31.558999Z', NOW)).toBe(Date.UTC(2026, 9, 3, 20, 58, 31, 558))
    expect(timeFromIso('2026-10-03T20:58:31.5589996Z', NOW)).toBe(Date.UTC(2026, 9, 3, 20, 58, 31, 558))
    expect(timeFromUnixMs(1_700_000_000_123.9, NOW)).toBe(1_700_000_000_123)
  })

  it('TM-5: keeps its ms in every spelling of a zone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(2010, 0), max: NOW }),
        fc.constantFrom('Z', '+00:00'),
        (ms, zone) => {
          expect(timeFromIso(new Date(ms).toISOString().replace('Z', `987${zone}`), NOW)).toBe(ms)
        },
      ),
    )
  })

  it.each(['2026-10-03T20:58:31.127', '2026-10-03', 'now', '', undefined, null, 1_700_000_000_000])(
    'TM-5: is not guessed from %j',
    (given) => {
      expect(timeFromIso(given, NOW)).toBeUndefined()
    },
  )

  it.each(['0001-01-01T00:00:00.000000Z', '1970-01-01T00:00:00.000000Z'])(
    'is absent for the filler %s',
    (given) => {
      expect(timeFromIso(given, NOW)).toBeUndefined()
    },
  )

  it('TM-2: is absent when it lies more than five seconds ahead', () => {
    expect(timeFromUnixMs(NOW + 5_000, NOW)).toBe(NOW + 5_000)
    expect(timeFromUnixMs(NOW + 5_001, NOW)).toBeUndefined()
  })

  it('is absent for what is no number of ms', () => {
    for (const given of [NaN, Infinity, '1700000000000', null, 1_700_000_000]) {
      expect(timeFromUnixMs(given, NOW)).toBeUndefined()
    }
  })
})
