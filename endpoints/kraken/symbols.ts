import { AssetCodes, type AssetNaming } from '../common/asset-codes'

const codes = new AssetCodes({
  venue: 'Kraken',
  // Kraken kept the codes of the Terra coins when the coins were renamed.
  commonOf: new Map([
    ['UST', 'USTC'],
    ['LUNA', 'LUNC'],
    ['LUNA2', 'LUNA'],
  ]),
  // Kraken's own names of the past, still those of its REST service. The v2 stream refuses them.
  spellings: new Map([
    ['XBT', 'BTC'],
    ['XDG', 'DOGE'],
  ]),
})

const TOKENISED = '.x'

/** `AAPLx`, with the lower-case suffix that makes it a tokenised stock, or `AAPL.x` in any letter case. */
const stockOf = (given: string): string | undefined =>
  (/^(?=.*[A-Z])([A-Z0-9]+)x$/.exec(given) ?? /^([a-z0-9]+)\.x$/i.exec(given))?.[1]

/**
 * Kraken's names. Case decides there between `TRX` and a stock `TRx`, but not in the keys of feeds, so that a stock's common name has
 * a mark that survives: `AAPLx` becomes `AAPL.x`.
 */
export const naming: AssetNaming = {
  common(given, param) {
    const stock = stockOf(given)
    return stock === undefined ? codes.common(given, param) : stock.toUpperCase() + TOKENISED
  },
  venue: (common) =>
    common.endsWith(TOKENISED) ? `${common.slice(0, -TOKENISED.length)}x` : codes.venue(common),
}

export const symbolOf = ({ base, quote }: { base: string; quote: string }): string =>
  `${naming.venue(base)}/${naming.venue(quote)}`
