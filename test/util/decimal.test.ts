import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DecimalForm, decimalText, nearestDouble } from '../../src/util/decimal'

const whole: DecimalForm = { point: 'nowhere' }
const padded = { leadingZeros: true }

/** A form, what it takes, and what it refuses. */
const forms: [DecimalForm, string[], string[]][] = [
  [whole, ['0', '7', '10', '9'.repeat(500)], ['', ' 1', '1 ', '1\n', '01', '-1', '+1', '1.0', '1.', '1e1']],
  [{ ...whole, sign: '-' }, ['-0', '-12', '12'], ['+12', '--1', '-', '-01']],
  [{ ...whole, sign: '+' }, ['+12', '12'], ['-12', '+', '++1']],
  [{ ...whole, sign: '+-' }, ['+12', '-12', '12'], ['+-1', '-+1']],
  [{ ...whole, ...padded }, ['0', '00', '007'], ['', '0x7', '0o7', '1_000', '1,000']],
  [{ ...whole, maxDigits: 3 }, ['0', '999'], ['1000', '001']],
  [{ ...whole, ...padded, maxDigits: 3, sign: '-' }, ['-999', '001'], ['0001', '-1000']],
  [{ ...whole, maxCharacters: 3, sign: '-' }, ['999', '-99'], ['1000', '-999']],
  [{ point: 'inside' }, ['0.5', '10.00', '3'], ['.5', '5.', '.', '1..2', '1.2.3', '00.5', '1.5e3', '1,5']],
  [{ point: 'inside', ...padded, maxDigits: 2 }, ['12.34', '00.00', '9'], ['123.4', '1.234']],
  [{ point: 'anywhere' }, ['.5', '5.', '0.5', '5'], ['.', '', '05.', '-.5']],
  [{ point: 'anywhere', ...padded, sign: '+-' }, ['-.5', '+5.', '05.50'], ['-.', '+']],
  [
    { point: 'inside', exponentDigits: 2, maxExponent: 60, maxDigitsInAll: 3 },
    ['1e60', '1E-60', '1.25', '123e05'],
    ['1e61', '1e-61', '12.34', '1234'],
  ],
  [{ point: 'inside', exponentDigits: 2 }, ['1e5', '1E-05', '1.5e+99'], ['1e', 'e5', '1e100', '1e5.5', '1e']],
  [{ point: 'nowhere', exponentDigits: 1 }, ['1e5', '12'], ['1.5e5', '1e10']],
  [{ point: 'anywhere', exponentDigits: Infinity }, ['.5e1000', '5.e-0001', `1e${'0'.repeat(99)}`], ['1e']],
]

describe('decimal text', () => {
  it.each(forms)('of the form %j is taken', (form, good) => {
    const isDecimal = decimalText(form)
    for (const text of good) expect(isDecimal(text), text).toBe(true)
  })

  it.each(forms)('of another form than %j is refused', (form, _good, bad) => {
    const isDecimal = decimalText(form)
    for (const text of bad) expect(isDecimal(text), text).toBe(false)
  })

  it('NU-1: is text in ASCII digits', () => {
    const isDecimal = decimalText({
      point: 'anywhere',
      exponentDigits: Infinity,
      sign: '+-',
      leadingZeros: true,
    })
    for (const other of [
      1,
      1n,
      null,
      undefined,
      true,
      ['1'],
      { toString: () => '1' },
      '１',
      '٣',
      'NaN',
      'Infinity',
    ])
      expect(isDecimal(other)).toBe(false)
  })

  it('is the text of every number, in the widest form', () => {
    const isDecimal = decimalText({ point: 'inside', exponentDigits: 3, sign: '-' })
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(isDecimal(String(number))).toBe(true)
      }),
    )
  })

  it('is what Number and, where it is whole, BigInt can read', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0019.eE+-'), maxLength: 8 })
    const isDecimal = decimalText({
      point: 'anywhere',
      exponentDigits: Infinity,
      sign: '+-',
      leadingZeros: true,
    })
    const isInteger = decimalText({ point: 'nowhere', sign: '-', leadingZeros: true })
    fc.assert(
      fc.property(text, (given) => {
        // What is left of Number's language is "Infinity", blanks, and other bases.
        expect(isDecimal(given)).toBe(given !== '' && !Number.isNaN(Number(given)))
        if (isInteger(given)) expect(Number(BigInt(given))).toBe(Number(given) || 0)
      }),
      { numRuns: 1_000 },
    )
  })

  it('RS-5: is judged in linear time', () => {
    const isDecimal = decimalText({ point: 'anywhere', exponentDigits: Infinity, leadingZeros: true })
    expect(isDecimal(`${'1'.repeat(1_000_000)}x`)).toBe(false)
    expect(isDecimal(`1e${'1'.repeat(1_000_000)}x`)).toBe(false)
  })
})

describe('the nearest double', () => {
  it.each([
    ['1012.3456789', 1012.3456789],
    ['9007199254740995', 9007199254740996],
    ['123456789.123456789123456789123456789', 123456789.12345679],
    ['+1.5E3', 1500],
    ['5e-324', 5e-324],
    ['0.000e-999', 0],
    ['1e309', undefined],
    ['-1e309', undefined],
  ])('of %s is %s', (text, double) => {
    expect(nearestDouble(text, 'zero')).toBe(double)
    expect(nearestDouble(text, 'refused')).toBe(double)
  })

  it.each(['1e-999', '-.5e-400', `0.${'0'.repeat(400)}1`])(
    'of %s, which is too small for one, is zero or refused',
    (text) => {
      expect(nearestDouble(text, 'zero')).toBeCloseTo(0, 300)
      expect(nearestDouble(text, 'refused')).toBeUndefined()
    },
  )
})
