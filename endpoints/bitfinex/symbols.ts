import { AssetCodes } from '../common/asset-codes'

/**
 * Where Bitfinex's codes differ from the common names. `DOG` is not among them: it was a packet of a million DOGE. Codes that end
 * in `F0` are derivatives and stay as they are, so that none of them ever passes for a spot asset.
 */
const COMMON_NAMES = new Map([
  ['UST', 'USDT'],
  ['UDC', 'USDC'],
  ['IOT', 'IOTA'],
  ['DSH', 'DASH'],
  ['QTM', 'QTUM'],
  ['ALG', 'ALGO'],
  ['AMP', 'AMPL'],
  ['ATO', 'ATOM'],
  ['DAT', 'DATA'],
  ['EUS', 'EURS'],
  ['EUT', 'EURT'],
  ['MNA', 'MANA'],
  ['RBT', 'RBTC'],
  ['STJ', 'STORJ'],
  ['TSD', 'TUSD'],
  ['WAX', 'WAXP'],
  ['VSY', 'VSYS'],
  ['LUNA', 'LUNC'],
  ['LUNA2', 'LUNA'],
  ['TERRAUST', 'USTC'],
  ['BCHABC', 'XEC'],
  ['BCHN', 'BCH'],
])

export const naming = new AssetCodes({ venue: 'Bitfinex', commonOf: COMMON_NAMES })

/** `tBTCUSD`; with a colon unless both codes have three letters: `tDOGE:USD`. */
export const symbolOf = ({ base, quote }: { base: string; quote: string }): string => {
  const [left, right] = [naming.venue(base), naming.venue(quote)]
  return left.length === 3 && right.length === 3 ? `t${left}${right}` : `t${left}:${right}`
}
