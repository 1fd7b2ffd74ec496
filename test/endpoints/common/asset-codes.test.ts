import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { naming as bitfinex, symbolOf as bitfinexSymbol } from '../../../endpoints/bitfinex/symbols'
import { type AssetNaming } from '../../../endpoints/common/asset-codes'
import { codes as coinbase } from '../../../endpoints/coinbase/price'
import { naming as kraken, symbolOf as krakenSymbol } from '../../../endpoints/kraken/symbols'

const namings: [string, AssetNaming][] = [
  ['Coinbase', coinbase],
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

const special = [
  'UST',
  'USDT',
  'LUNA',
  'LUNA2',
  'LUNC',
  'XBT',
  'BTC',
  'XDG',
  'DOGE',
  'AMP',
  'TRX',
  'AAPL',
  'USDE',
  'usde',
]
const written = fc.oneof(
  fc.constantFrom(...special, ...special.map((code) => `${code}x`), ...special.map((code) => `${code}.X`)),
  fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom(...'abXx1.-:/ ') }),
)

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

  it('ID-2: are names of themselves', () => {
    fc.assert(
      fc.property(written, (given) => {
        const common = commonOf(naming, given)
        if (common !== undefined) expect(commonOf(naming, common)).toBe(common)
      }),
    )
  })

  it('ID-2: in upper case are meant by the same text in lower case, unless that may be another', () => {
    fc.assert(
      fc.property(written, (given) => {
        const common = commonOf(naming, given)
        if (common === undefined || common !== common.toUpperCase()) return
        const meant = commonOf(naming, common.toLowerCase())
        // A stock that Kraken lists is meant rather than a code that nobody knows.
        if (meant !== undefined && !meant.endsWith('x')) expect(meant).toBe(common)
      }),
    )
  })

  it.each([
    ['eth', 'ETH'],
    ['ETH', 'ETH'],
    ['Eth', 'ETH'],
    ['USDe', 'USDe'],
    ['USDE', 'USDE'],
    ['sUSDe', 'sUSDe'],
    ['newcoin', 'NEWCOIN'],
    ['NewCoin', 'NewCoin'],
    ['1inch', '1INCH'],
    ['123', '123'],
  ])(
    'ID-1: an exact spelling wins, else the only one known, else codes are in upper case: %s is %s',
    (given, name) => {
      expect(naming.common(given, 'base')).toBe(name)
    },
  )

  it.each(['usde', 'Usde', 'uSDe'])(
    'ID-1: %s may be two assets: it is refused, and both are named',
    (given) => {
      expect(() => naming.common(given, 'quote')).toThrow(
        `[Param: quote] "${given}" may be any of USDe, USDE: letter case tells them apart`,
      )
    },
  )

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
    ['aaplx', 'USD', 'AAPLx/USD'],
    ['AAPLX', 'USD', 'AAPLX/USD'],
    ['TRx', 'USD', 'TRx/USD'],
    ['trx', 'Usd', 'TRX/USD'],
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

describe('the symbols of Coinbase', () => {
  it.each(['cbETH', 'CBETH', 'cbeth'])('are in upper case where issuers have another: %s', (given) => {
    expect(coinbase.common(given, 'base')).toBe('CBETH')
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
