import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { naming as bitfinex, symbolOf as bitfinexSymbol } from '../../../endpoints/bitfinex/symbols'
import { AssetCodes, type AssetNaming } from '../../../endpoints/common/asset-codes'
import { naming as kraken, symbolOf as krakenSymbol } from '../../../endpoints/kraken/symbols'

const namings: [string, AssetNaming][] = [
  ['Coinbase', new AssetCodes({ venue: 'Coinbase' })],
  ['Kraken', kraken],
  ['Bitfinex', bitfinex],
]

const commonOf = (naming: AssetNaming, given: string): string | undefined => {
  try {
    return naming.common(given, 'base')
  } catch {
    return undefined
  }
}

const special = ['UST', 'USDT', 'LUNA', 'LUNA2', 'LUNC', 'XBT', 'BTC', 'XDG', 'DOGE', 'AMP', 'TRX', 'AAPL']
const written = fc.oneof(
  fc.constantFrom(...special, ...special.map((code) => `${code}x`), ...special.map((code) => `${code}.X`)),
  fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom(...'abXx1.-:/ ') }),
)
const letterCases = (text: string) => [text, text.toLowerCase(), text.toUpperCase()]

describe.each(namings)('the names of %s', (_venue, naming) => {
  it('ID-1: give different assets different codes', () => {
    fc.assert(
      fc.property(written, written, (left, right) => {
        const [one, other] = [commonOf(naming, left), commonOf(naming, right)]
        if (one === undefined || other === undefined) return
        expect(naming.venue(one) === naming.venue(other)).toBe(one === other)
      }),
    )
  })

  it('ID-1: are one for what one cache key stands for', () => {
    fc.assert(
      fc.property(written, written, (left, right) => {
        const [one, other] = [commonOf(naming, left), commonOf(naming, right)]
        if (one === undefined || one.toLowerCase() !== other?.toLowerCase()) return
        expect(one).toBe(other)
      }),
    )
  })

  it('ID-2: are names of themselves, in any letter case', () => {
    fc.assert(
      fc.property(written, (given) => {
        const common = commonOf(naming, given)
        if (common === undefined) return
        for (const spelling of letterCases(common)) expect(commonOf(naming, spelling)).toBe(common)
      }),
    )
  })

  it.each(['', 'ETH-USD', 'ETH/USD', 'ETH:USD', 'ſ', 'a'.repeat(33), 'a b'])('refuse %j', (given) => {
    expect(() => naming.common(given, 'base')).toThrow('[Param: base] "')
  })
})

describe('the symbols of Kraken', () => {
  it.each([
    ['btc', 'usd', 'BTC/USD'],
    ['XBT', 'EUR', 'BTC/EUR'],
    ['xdg', 'xbt', 'DOGE/BTC'],
    ['avax', 'usd', 'AVAX/USD'],
    ['AAPLx', 'USD', 'AAPLx/USD'],
    ['aapl.X', 'USD', 'AAPLx/USD'],
    ['LUNA', 'USD', 'LUNA2/USD'],
    ['USTC', 'USD', 'UST/USD'],
  ])('of %s in %s: %s', (base, quote, symbol) => {
    const pair = { base: kraken.common(base, 'base'), quote: kraken.common(quote, 'quote') }
    expect(krakenSymbol(pair)).toBe(symbol)
  })

  it('are refused where Kraken means another asset by a name', () => {
    expect(() => kraken.common('ust', 'quote')).toThrow(
      `[Param: quote] "UST" is Kraken's code for USTC: ask for USTC`,
    )
  })
})

describe('the symbols of Bitfinex', () => {
  it.each([
    ['btc', 'usd', 'tBTCUSD'],
    ['BTC', 'USDT', 'tBTCUST'],
    ['DOGE', 'USD', 'tDOGE:USD'],
    ['DOG', 'USD', 'tDOGUSD'],
    ['TESTBTC', 'TESTUSD', 'tTESTBTC:TESTUSD'],
    ['BTCF0', 'USTF0', 'tBTCF0:USTF0'],
    ['IOTA', 'ETH', 'tIOTETH'],
    ['LUNC', 'USD', 'tLUNA:USD'],
    ['LUNA', 'USD', 'tLUNA2:USD'],
    ['MATIC', 'BTC', 'tMATIC:BTC'],
  ])('of %s in %s: %s', (base, quote, symbol) => {
    const pair = { base: bitfinex.common(base, 'base'), quote: bitfinex.common(quote, 'quote') }
    expect(bitfinexSymbol(pair)).toBe(symbol)
  })
})
