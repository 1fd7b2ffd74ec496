import { describe, expect, it } from 'vitest'
import { valueProblem } from '../push/value-check'

const attribute = {
  isRequired: false,
  isUnique: false,
  values: undefined,
  component: undefined,
  isRepeatable: false,
  relation: undefined,
  target: undefined,
  inversedBy: undefined,
  isInverse: false,
}
const fits = (type: string) => (value: unknown) => valueProblem({ ...attribute, type }, value) === undefined

/** A type of attribute, what fits it, and what does not. */
const types: [string, unknown[], unknown[]][] = [
  [
    'decimal',
    [1.5, '1.5', '-1.5', '007', '5.', '.5', '1e5', '1E-400', `0.${'1'.repeat(500)}`],
    [NaN, Infinity, '+1.5', '1e309', '1e', '.', '', ' 1', '1,5', '0x1', true, []],
  ],
  [
    'biginteger',
    [5, '-007', '9223372036854775807', '-9223372036854775807'],
    [2 ** 53, 1.5, '9223372036854775808', '-9223372036854775808', '+1', '00000000000000000001', '1.0', ''],
  ],
  [
    'datetime',
    ['2025-06-01T12:00:00.000Z', '0050-01-01T00:00:00.999Z', '2024-02-29T00:00:00.000Z'],
    [
      '2025-06-01T12:00:00Z',
      '2025-06-01T12:00:00.0000Z',
      '2025-06-01T12:00:00.000+00:00',
      '2025-06-01t12:00:00.000z',
      '2025-02-29T00:00:00.000Z',
      '2025-06-01T24:00:00.000Z',
      1_748_779_200_000,
    ],
  ],
  ['date', ['2025-06-01', '2024-02-29'], ['2025-6-1', '2025-02-29', '2025-06-01T00:00:00.000Z', '']],
  ['time', ['12:00:00.000', '23:59:59.999'], ['12:00:00', '12:00', '24:00:00.000', '12:00:60.000', '']],
]

describe('a value for a column', () => {
  it.each(types)('of type %s fits', (type, good) => {
    for (const value of good) expect(fits(type)(value), String(value)).toBe(true)
  })

  it.each(types)('of type %s does not fit', (type, _good, bad) => {
    for (const value of bad) expect(fits(type)(value), String(value)).toBe(false)
  })
})
