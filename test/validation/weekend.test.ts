import { install } from '@sinonjs/fake-timers'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterInputError } from '../../src/validation/errors'
import { isWeekendNow, parseWeekendString } from '../../src/public/validation/market-status'

afterEach(() => void vi.restoreAllMocks())

const NEW_YORK = '520-020:America/New_York'

const isWeekendAt = (instant: string | number, weekend: string): boolean => {
  vi.spyOn(Date, 'now').mockReturnValue(typeof instant === 'number' ? instant : Date.parse(instant))
  return isWeekendNow(weekend)
}

const errorOf = (action: () => unknown): unknown => {
  try {
    return action()
  } catch (error) {
    return error
  }
}

describe('a weekend', () => {
  it.each([
    ['520-020:America/New_York', { start: '520', end: '020', tz: 'America/New_York' }],
    ['000-623:UTC', { start: '000', end: '623', tz: 'UTC' }],
    ['520-020:america/new_york', { start: '520', end: '020', tz: 'america/new_york' }],
    ['519-009:Etc/GMT+5', { start: '519', end: '009', tz: 'Etc/GMT+5' }],
    ['520-520:EST', { start: '520', end: '520', tz: 'EST' }],
  ])('is read from %s', (text, parts) => {
    expect(parseWeekendString(text)).toStrictEqual(parts)
  })

  it.each([
    ...[undefined, null, '', ' ', '520-020', '520-020:', '20-020:UTC', '520-020 UTC', '520-020: UTC'],
    ...[' 520-020:UTC', '520-020:UTC ', '520-020:UTC\n', '720-020:UTC', '524-020:UTC', '520-024:UTC'],
    ...['520-730:UTC', '5200-020:UTC', '520–020:UTC', '٥20-020:UTC', 520, {}, ['520-020:UTC']],
  ])('is refused as %j', (text) => {
    for (const read of [parseWeekendString, isWeekendNow]) {
      const error = errorOf(() => read(text as string))
      expect(error).toBeInstanceOf(AdapterInputError)
      expect(error).toMatchObject({
        statusCode: 400,
        message: '[Param: weekend] does not match format of DHH-DHH:TZ',
      })
    }
  })

  it.each(['Nope/Zone', 'A:B', '__proto__', 'UTC:UTC'])('is refused in the zone %s', (tz) => {
    for (const read of [parseWeekendString, isWeekendNow]) {
      const error = errorOf(() => read(`520-020:${tz}`))
      expect(error).toBeInstanceOf(AdapterInputError)
      expect(error).toMatchObject({
        statusCode: 400,
        message: `timezone ${tz} in [Param: weekend] is not valid: RangeError: Invalid time zone specified: ${tz}`,
      })
    }
  })

  it.each([
    ['2024-01-06T00:59:59.999Z', false],
    ['2024-01-06T01:00:00.000Z', true],
    ['2024-01-08T00:59:59.999Z', true],
    ['2024-01-08T01:00:00.000Z', false],
    ['2024-07-06T00:00:00.000Z', true],
    ['2024-07-05T23:59:59.999Z', false],
  ])('MK-1: holds its start and not its end, in summer and in winter: %s', (instant, expected) => {
    expect(isWeekendAt(instant, NEW_YORK)).toBe(expected)
  })

  // The clocks of New York go from 2 to 3 on 10 March 2024 at 07:00 UTC, and from 2 to 1 on 3 November at 06:00 UTC.
  it.each([
    ['2024-03-10T06:59:00Z', '001-002', true],
    ['2024-03-10T07:00:00Z', '001-002', false],
    ['2024-03-10T07:00:00Z', '002-003', false],
    ['2024-03-10T06:59:00Z', '002-003', false],
    ['2024-11-03T05:59:00Z', '001-002', true],
    ['2024-11-03T06:00:00Z', '001-002', true],
    ['2024-11-03T06:59:59Z', '001-002', true],
    ['2024-11-03T07:00:00Z', '001-002', false],
  ])('MK-1: goes by the clocks of the zone when those are changed: %s in %s', (instant, hours, expected) => {
    expect(isWeekendAt(instant, `${hours}:America/New_York`)).toBe(expected)
  })

  it.each([
    ['2024-01-07T00:00:00Z', '000-001', true],
    ['2024-01-07T01:00:00Z', '000-001', false],
    ['2024-01-06T23:59:59Z', '000-001', false],
    ['2024-01-06T23:59:59Z', '623-001', true],
    ['2024-01-07T00:59:59Z', '623-001', true],
    ['2024-01-07T01:00:00Z', '623-001', false],
    ['2024-01-03T12:00:00Z', '520-520', true],
    ['2024-01-05T20:00:00Z', '520-520', true],
    ['2024-01-05T19:00:00Z', '520-519', false],
    ['2024-01-05T18:00:00Z', '520-519', true],
  ])('MK-1: may go past Saturday: %s in %s', (instant, hours, expected) => {
    expect(isWeekendAt(instant, `${hours}:UTC`)).toBe(expected)
  })

  const zones = [
    ...['UTC', 'America/New_York', 'Europe/London', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Asia/Tehran'],
    ...['America/Sao_Paulo', 'Pacific/Apia', 'Pacific/Chatham', 'Africa/Casablanca', 'America/St_Johns'],
  ]

  /** The offset of a zone from UTC, as text of the form GMT+05:30. */
  const offsets = new Map(
    zones.map((timeZone) => [
      timeZone,
      new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }),
    ]),
  )

  /** By another way than the one under test: shift the instant by the zone's offset, and count hours since a Sunday. */
  const hourOfWeek = (instant: number, zone: string): number => {
    const name = offsets
      .get(zone)!
      .formatToParts(instant)
      .find(({ type }) => type === 'timeZoneName')!.value
    const [, sign, hours = '0', minutes = '0'] = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(name)!
    const offsetMs = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
    const hoursSinceSunday = Math.floor((instant + offsetMs - Date.UTC(1970, 0, 4)) / 3_600_000)
    return ((hoursSinceSunday % 168) + 168) % 168
  }

  const isIn = (hour: number, start: number, end: number): boolean =>
    (hour - start + 168) % 168 < ((end - start + 168) % 168 || 168)

  const text = (hour: number) => `${Math.floor(hour / 24)}${String(hour % 24).padStart(2, '0')}`

  it('MK-1: is the same by an independent computation, at the edges of hours over 25 years', () => {
    const hour = fc.integer({ min: 0, max: 167 })
    const quarter = fc.integer({ min: Date.UTC(2005) / 900_000, max: Date.UTC(2030) / 900_000 })
    const instant = fc
      .tuple(quarter, fc.constantFrom(-1, 0, 1))
      .map(([at, besides]) => at * 900_000 + besides)
    const zone = fc.constantFrom(...zones)
    fc.assert(
      fc.property(hour, hour, zone, instant, (start, end, tz, now) => {
        const expected = isIn(hourOfWeek(now, tz), start, end)
        expect(isWeekendAt(now, `${text(start)}-${text(end)}:${tz}`)).toBe(expected)
      }),
      { numRuns: 3_000 },
    )
  })

  it('MK-1: is right all the way through the days around a change of the clocks', () => {
    for (const from of ['2024-03-08T00:00:00Z', '2024-11-01T00:00:00Z']) {
      for (let minute = 0; minute < 4 * 24 * 60; minute += 7) {
        const now = Date.parse(from) + minute * 60_000
        const expected = isIn(hourOfWeek(now, 'America/New_York'), 5 * 24 + 20, 20)
        expect([minute, isWeekendAt(now, NEW_YORK)]).toEqual([minute, expected])
      }
    }
  })

  it('goes by a clock that is put in place after loading', () => {
    const clock = install({ now: Date.parse('2024-01-06T12:00:00Z'), toFake: ['Date'] })
    try {
      expect(isWeekendNow(NEW_YORK)).toBe(true)
      clock.setSystemTime(Date.parse('2024-01-09T12:00:00Z'))
      expect(isWeekendNow(NEW_YORK)).toBe(false)
    } finally {
      clock.uninstall()
    }
  })
})
