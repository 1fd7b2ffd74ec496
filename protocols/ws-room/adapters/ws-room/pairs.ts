import { AssetCodes } from '../../../../endpoints/common/asset-codes'

const FEED = /^([A-Z0-9]{1,32})\/([A-Z0-9]{1,32})$/i

/** Letter case counts; a client's `eth` is ETH. */
export const naming = new AssetCodes({ venue: 'the room' })

/**
 * The pair that a feed is for. Its codes must be spelled as their names are: `USDe/USD` and `USDE/USD` are two feeds, and `usde/USD` is none,
 * rather than one of them (ID-1).
 */
export const pairOf = (feed: string): { base: string; quote: string } | undefined => {
  const [, base, quote] = FEED.exec(feed) ?? []
  return isName(base) && isName(quote) ? { base, quote } : undefined
}

const isName = (code: string | undefined): code is string => {
  try {
    return code !== undefined && naming.common(code, 'feed') === code
  } catch {
    return false
  }
}
