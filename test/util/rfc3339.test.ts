import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nanosecondReader, type TimeForm, timeReader, zonedTimeReader } from '../../src/util/rfc3339'

const unixMs = fc.integer({ min: Date.UTC(0, 0), max: Date.UTC(9998, 0) })
const fraction = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 9 })

/** The same time as a clock shows it that is ahead of UTC. */
const textIn = (ms: number, minutesAhead: number): string => {
  const [hours, minutes] = [Math.trunc(Math.abs(minutesAhead) / 60), Math.abs(minutesAhead) % 60]
  const offset = [hours, minutes].map((part) => String(part).padStart(2, '0')).join(':')
  const local = new Date(ms + minutesAhead * 60_000).toISOString().slice(0, -1)
  return `${local}${minutesAhead < 0 ? '-' : '+'}${offset}`
}

const noon = Date.UTC(2026, 10, 22, 12)

/** A form, what it takes beside what all take, and what it refuses. */
const forms: [TimeForm, [string, number][], string[]][] = [
  [
    {},
    [
      ['2026-11-22T13:00:00+01:00', noon],
      ['2026-11-22T12:00:00.123456789Z', noon + 123],
    ],
    [
      '2026-11-22T12:00:00',
      '2026-11-22t12:00:00Z',
      '2026-11-22T12:00:00z',
      '2026-11-22T12:00Z',
      '2026-11-22T12:00:00.Z',
      '2026-11-22T12:00:00.1234567890Z',
      '2026-11-22T12:00:00+0100',
      '2026-11-22T12:00:00+01',
      '2026-02-29T12:00:00Z',
      '2026-04-31T12:00:00Z',
      '2026-11-22T24:00:00Z',
    ],
  ],
  [
    { lowerCase: true },
    [
      ['2026-11-22t12:00:00z', noon],
      ['2026-11-22t12:00:00.5z', noon + 500],
    ],
    [],
  ],
  [{ optionalSeconds: true }, [['2026-11-22T12:00Z', noon]], ['2026-11-22T12:00.5Z', '2026-11-22T12Z']],
  [{ offset: false }, [], ['2026-11-22T12:00:00+00:00', '2026-11-22T13:00:00+01:00']],
  [
    { fractionDigits: [3, 3] },
    [['2026-11-22T12:00:00.250Z', noon + 250]],
    ['2026-11-22T12:00:00Z', '2026-11-22T12:00:00.25Z', '2026-11-22T12:00:00.2500Z'],
  ],
  [
    { carriesDays: true },
    [
      ['2026-02-30T12:00:00Z', Date.UTC(2026, 2, 2, 12)],
      ['2026-11-22T24:00:00Z', noon + 43_200_000],
    ],
    ['2026-11-32T12:00:00Z', '2026-11-22T24:00:01Z', '2026-11-22T24:00:00.5Z'],
  ],
  [{ firstYear: 100 }, [['0100-01-01T00:00:00Z', -59_011_459_200_000]], ['0099-12-31T23:59:59Z']],
]

describe('a time of RFC 3339', () => {
  it.each(forms)('of the form %j is read', (form, good) => {
    const read = timeReader(form)
    const plain = form.fractionDigits ? '2026-11-22T12:00:00.000Z' : '2026-11-22T12:00:00Z'
    for (const [text, ms] of [[plain, noon] as const, ...good]) expect(read(text), text).toBe(ms)
  })

  it.each(forms)('of another form than %j is refused', (form, _good, bad) => {
    const read = timeReader(form)
    for (const text of bad) expect(read(text), text).toBeUndefined()
  })

  it.each(forms)('that cannot be is refused in the form %j', (form) => {
    const read = timeReader(form)
    const withFraction = (text: string) => (form.fractionDigits ? text.replace('Z', '.000Z') : text)
    for (const text of [
      '2026-00-01T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-01-00T00:00:00Z',
      '2026-01-32T00:00:00Z',
      '2026-01-01T25:00:00Z',
      '2026-01-01T00:60:00Z',
      '2026-01-01T00:00:60Z',
      '2026-01-01 00:00:00Z',
      ' 2026-01-01T00:00:00Z',
      '2026-01-01T00:00:00Z\n',
      '+02026-01-01T00:00:00Z',
    ])
      expect(read(withFraction(text)), text).toBeUndefined()
    for (const text of ['2026-01-01T00:00:00+24:00', '2026-01-01T00:00:00+00:60'])
      expect(read(text), text).toBeUndefined()
    for (const other of [noon, null, undefined, new Date(noon), [], '']) expect(read(other)).toBeUndefined()
  })

  it('is read to the ms, in every zone', () => {
    const read = timeReader({})
    fc.assert(
      fc.property(unixMs, fc.integer({ min: -1439, max: 1439 }), (ms, minutesAhead) => {
        expect(read(textIn(ms, minutesAhead))).toBe(ms)
      }),
    )
  })

  it('TM-5: loses what is below a millisecond, never rounded', () => {
    const read = timeReader({})
    fc.assert(
      fc.property(unixMs, fraction, (ms, digits) => {
        const second = Math.floor(ms / 1_000) * 1_000
        const text = new Date(second).toISOString().replace('000Z', `${digits}Z`)
        expect(read(text)).toBe(second + Number(digits.padEnd(3, '0').slice(0, 3)))
      }),
    )
  })

  it('is read to the ns', () => {
    const read = nanosecondReader({})
    fc.assert(
      fc.property(unixMs, fraction, (ms, digits) => {
        const second = Math.floor(ms / 1_000)
        const text = new Date(second * 1_000).toISOString().replace('000Z', `${digits}Z`)
        expect(read(text)).toBe(BigInt(second) * 1_000_000_000n + BigInt(digits.padEnd(9, '0')))
      }),
    )
    expect(read('2026-11-22T12:00:00Z')).toBe(BigInt(noon) * 1_000_000n)
    for (const other of ['2026-11-22T12:00:00', '2026-02-30T12:00:00Z', noon, undefined])
      expect(read(other)).toBeUndefined()
  })
})

describe('a time with a zone', () => {
  const anywhere = zonedTimeReader()
  const dateFirst = zonedTimeReader({ dateFirst: true, maxCharacters: 40 })

  it.each([
    ['2026-11-22T12:00:00.000999999Z', noon],
    ['2026-11-22T13:00+0100', noon],
    ['2026-11-22T11:00:00-01:00', noon],
  ])('is read: %s', (text, ms) => {
    expect(anywhere(text)).toBe(ms)
    expect(dateFirst(text)).toBe(ms)
  })

  it.each([
    '2026-11-22T12:00:00',
    '2026-11-22',
    'now',
    '2026-13-22T12:00:00Z',
    'T12:00:00Z',
    '',
    null,
    noon,
    [],
    {},
  ])('is not read from %j', (given) => {
    expect(anywhere(given)).toBeUndefined()
    expect(dateFirst(given)).toBeUndefined()
  })

  it('may begin in another way, unless its form says otherwise', () => {
    for (const text of ['Tue, 22 Nov 2026 12:00:00 +0000', '+002026-11-22T12:00:00Z']) {
      expect(anywhere(text)).toBe(noon)
      expect(dateFirst(text)).toBeUndefined()
    }
  })

  it('has no more characters than its form lets it', () => {
    const longest = `2026-11-22T12:00:00.${'0'.repeat(19)}Z`
    expect(dateFirst(longest)).toBe(noon)
    expect(dateFirst(longest.replace('Z', '0Z'))).toBeUndefined()
    expect(anywhere(longest.replace('Z', '0Z'))).toBe(noon)
  })

  it('RS-5: is looked for in linear time', () => {
    for (const text of ['T'.repeat(1_000_000), 'T\n'.repeat(500_000), `\n${'T'.repeat(1_000_000)}+01:0`])
      expect(anywhere(text)).toBeUndefined()
  })
})

it('TM-5: cuts a fraction of any length', () => {
  const read = zonedTimeReader()
  const second = Date.UTC(2026, 0)
  for (const [fraction, ms] of [
    ['0009999999', 0],
    ['09999999999', 99],
    ['123999999999999999', 123],
    ['000000001', 0],
  ] as const)
    expect(read(`2026-01-01T00:00:00.${fraction}Z`), fraction).toBe(second + ms)
})
