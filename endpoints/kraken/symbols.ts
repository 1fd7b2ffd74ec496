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
  // The lower-case suffix makes a tokenised stock of a code. There are more of them: each is known by its exact spelling.
  listed: [
    ...['AAPLx', 'AMZNx', 'COINx', 'CRCLx', 'GOOGLx', 'HOODx', 'METAx', 'MSFTx', 'MSTRx', 'NVDAx'],
    ...['QQQx', 'SPYx', 'TSLAx'],
  ],
})

/** `AAPLx`, with the suffix in lower case, or `AAPL.x` in any letter case, for clients that know of upper case only. */
const stockOf = (given: string): string | undefined =>
  (/^(?=.*[A-Z])([A-Z0-9]+)x$/.exec(given) ?? /^([a-z0-9]+)\.x$/i.exec(given))?.[1]

/** Kraken's names. Letter case decides there between the coin `TRX` and a stock `TRx`. */
export const naming: AssetNaming = {
  common(given, param) {
    const stock = stockOf(given)
    return stock === undefined ? codes.common(given, param) : `${stock.toUpperCase()}x`
  },
  venue: (common) => codes.venue(common),
}

export const symbolOf = ({ base, quote }: { base: string; quote: string }): string =>
  `${naming.venue(base)}/${naming.venue(quote)}`
