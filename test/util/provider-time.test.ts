import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isUnixMs, providerTime, type TimeUnit } from '../../src/util/provider-time'

const UNITS: readonly [TimeUnit, digitsAfterMs: number][] = [
  ['s', -3],
  ['ms', 0],
  ['us', 3],
  ['ns', 6],
]

/** Any ms from 2000 to 2100. */
const instant = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2100, 0) - 1 })

describe("a provider's time", () => {
  it.each(UNITS)('TM-5: in %s is read exactly, from digits and from numbers', (unit, places) => {
    const read = providerTime(unit)
    fc.assert(
      fc.property(instant, fc.stringMatching(/^\d{0,6}$/), (unixMs, more) => {
        const digits = String(unixMs) + (places > 0 ? more.padEnd(places, '0').slice(0, places) : '')
        const text =
          places >= 0
            ? `${digits}.${more}`.replace(/\.$/, '')
            : `${digits.slice(0, places)}.${digits.slice(places)}${more}`
        expect(read(text)).toBe(unixMs)
        if (unit !== 'ns')
          expect(Math.abs(read(Number(text))! - unixMs)).toBeLessThanOrEqual(unit === 'us' ? 1 : 0)
      }),
    )
  })

  it('TM-5: is read from whole numbers of every kind, and from the first to the last that can be', () => {
    const [first, last] = [Date.UTC(2000, 0), Date.UTC(2100, 0) - 1]
    for (const [unit, places] of UNITS) {
      for (const unixMs of [first, last]) {
        const whole = places < 0 ? Math.floor(unixMs / 1_000) : `${unixMs}${'0'.repeat(places)}`
        const expected = places < 0 ? Math.floor(unixMs / 1_000) * 1_000 : unixMs
        for (const value of [String(whole), BigInt(whole)]) expect(providerTime(unit)(value)).toBe(expected)
      }
    }
    expect([first - 1, first, last, last + 1].map(isUnixMs)).toEqual([false, true, true, false])
    for (const value of ['', '0', 0, 0n, true, {}]) expect(providerTime('ns')(value)).toBeNaN()
  })

  it.each(UNITS)('TM-5: in %s that is in any other unit is never one', (unit) => {
    const read = providerTime(unit)
    for (const [other, places] of UNITS) {
      if (other === unit) continue
      fc.assert(
        fc.property(instant, (unixMs) => {
          const text = places >= 0 ? String(unixMs) + '0'.repeat(places) : String(unixMs).slice(0, places)
          expect(read(text)).toBeNaN()
          expect(read(Number(text))).toBeNaN()
        }),
      )
    }
  })

  it('TM-5: in ISO text is read in its zone, with what is below a millisecond cut off', () => {
    const read = providerTime('iso')
    expect(read('2026-10-03T20:58:31.558999Z')).toBe(Date.UTC(2026, 9, 3, 20, 58, 31, 558))
    expect(read('2026-10-03T20:58:31.5589996Z')).toBe(Date.UTC(2026, 9, 3, 20, 58, 31, 558))
    fc.assert(
      fc.property(instant, fc.constantFrom('Z', '+00:00', '-00:00'), (unixMs, zone) => {
        expect(read(new Date(unixMs).toISOString().replace('Z', `987${zone}`))).toBe(unixMs)
      }),
    )
  })

  it.each([
    ...['2026-10-03T20:58:31.127', '2026-10-03', 'now', '', null, 1_700_000_000_000, '1700000000000'],
    ...['0001-01-01T00:00:00.000000Z', '1970-01-01T00:00:00.000000Z', '2100-01-01T00:00:00Z'],
  ])('TM-5: in ISO text is not guessed from %j', (given) => {
    expect(providerTime('iso')(given)).toBeNaN()
  })

  it.each([
    null,
    '',
    'now',
    true,
    {},
    [],
    [1_700_000_000_000],
    -1,
    0,
    1,
    NaN,
    Infinity,
    '1e12',
    '0x18BCFE56800',
    ' 1700000000000',
  ])('TM-5: in ms is not guessed from %j', (given) => {
    expect(providerTime('ms')(given)).toBeNaN()
  })

  it('is none where there is none', () => {
    for (const [unit] of [...UNITS, ['iso', 0] as const])
      expect(providerTime(unit)(undefined)).toBeUndefined()
  })
})
