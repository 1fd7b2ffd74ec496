import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Ambiguous, BySpelling } from '../spellings'

const of = (...pairs: [base: string, quote: string][]) =>
  new BySpelling(pairs.map(([base, quote]) => ({ names: { base, quote }, result: `${base}/${quote}` })))

describe('results by spelling', () => {
  it('are found by an exact spelling, else by the only one that differs in letter case alone', () => {
    const found = of(['USDe', 'USD'], ['USDE', 'USD'], ['ETH', 'USD'], ['eth', 'eur'])
    expect(found.find({ base: 'USDe', quote: 'usd' })).toBe('USDe/USD')
    expect(found.find({ base: 'USDE', quote: 'USD' })).toBe('USDE/USD')
    expect(found.find({ quote: 'usd', base: 'eth' })).toBe('ETH/USD')
    expect(found.find({ base: 'ETH', quote: 'EUR' })).toBe('eth/eur')
    expect(found.find({ base: 'ETH', quote: 'GBP' })).toBeUndefined()
  })

  it('are named when they are two', () => {
    expect(of(['USDe', 'USD'], ['USDE', 'USD']).find({ base: 'usde', quote: 'USD' })).toEqual(
      new Ambiguous([
        { base: 'USDe', quote: 'USD' },
        { base: 'USDE', quote: 'USD' },
      ]),
    )
  })

  it('ID-1: are never those of another name', () => {
    const name = fc.stringMatching(/^[aAbB]{1,3}$/)
    fc.assert(
      fc.property(fc.uniqueArray(name), name, (names, asked) => {
        const found = of(...names.map((base): [string, string] => [base, 'USD'])).find({
          base: asked,
          quote: 'USD',
        })
        const alike = names.filter((one) => one.toLowerCase() === asked.toLowerCase())
        if (names.includes(asked)) expect(found).toBe(`${asked}/USD`)
        else if (alike.length === 1) expect(found).toBe(`${alike[0]}/USD`)
        else if (alike.length === 0) expect(found).toBeUndefined()
        else expect(found).toBeInstanceOf(Ambiguous)
      }),
    )
  })
})
