import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { positive, quoteOf } from '../../../endpoints/common/quote'

describe('a price in a frame', () => {
  it.each([
    [84737.58, 84737.58],
    ['84737.58', 84737.58],
    ['0.00001303', 0.00001303],
    ['1.303e-05', 0.00001303],
    ['5E3', 5000],
    ['007.50', 7.5],
    ['1e-99', 1e-99],
    ['9'.repeat(60), 1e60],
  ])('is read from %j', (given, price) => {
    expect(positive(given)).toBe(price)
  })

  it.each([
    null,
    undefined,
    '',
    ' ',
    '0',
    0,
    -1,
    '-1',
    '+1',
    NaN,
    Infinity,
    'Infinity',
    '1e100',
    '1e-400',
    '.5',
    '5.',
    '1e999',
    true,
    [5],
    {},
    '0x10',
    '1,234.5',
    '1 234',
    '１',
  ])('NU-1: is not read from %j', (given) => {
    expect(positive(given)).toBeUndefined()
  })

  it('NU-1: is finite and above zero, or absent, for whatever a frame holds', () => {
    fc.assert(
      fc.property(fc.anything(), (given) => {
        const price = positive(given)
        expect(price === undefined || (Number.isFinite(price) && price > 0)).toBe(true)
      }),
    )
  })

  it('NU-11: is not read from endless digits', () => {
    expect(positive('1'.repeat(61))).toBeUndefined()
  })
})

describe('a quote', () => {
  it('is the last trade, with the book beside it', () => {
    expect(quoteOf({ last: '3', bid: '1', ask: '2' })).toEqual({ result: 3, bid: 1, mid: 1.5, ask: 2 })
  })

  it('is the mid where there is no trade', () => {
    expect(quoteOf({ last: 0, bid: 1, ask: 2 })).toEqual({ result: 1.5, bid: 1, mid: 1.5, ask: 2 })
  })

  it('NU-10: has no mid when the book is crossed, or has one side', () => {
    expect(quoteOf({ last: 3, bid: 2, ask: 1 })).toEqual({ result: 3, bid: 2, ask: 1 })
    expect(quoteOf({ last: 3, bid: 0, ask: 1 })).toEqual({ result: 3, ask: 1 })
    expect(quoteOf({ last: 3, bid: 2, ask: undefined })).toEqual({ result: 3, bid: 2 })
  })

  it('is absent when there is neither a trade nor a whole book', () => {
    expect(quoteOf({ last: '0', bid: 2, ask: 1 })).toBeUndefined()
    expect(quoteOf({ last: null, bid: 2, ask: 0 })).toBeUndefined()
  })

  it('NU-10: keeps the mid between the sides', () => {
    const price = fc.double({ min: 1e-12, max: 1e12, noNaN: true })
    fc.assert(
      fc.property(price, price, (bid, ask) => {
        const quote = quoteOf({ last: 1, bid, ask })!
        if (bid > ask) expect(quote.mid).toBeUndefined()
        else expect(quote.mid! >= bid && quote.mid! <= ask).toBe(true)
      }),
    )
  })
})
