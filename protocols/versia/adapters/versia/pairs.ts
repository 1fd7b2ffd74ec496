import { AssetCodes } from '../../../../endpoints/common/asset-codes'
import { type VersiaPrice } from '../..'

export interface Pair {
  base: string
  quote: string
}

/** For clients and signers alike: letter case counts, and `eth` is ETH. */
export const naming = new AssetCodes({ venue: 'the source' })

/**
 * The pair that a price is for: its `base` and `quote`, or else its feed where that is written `BASE/QUOTE`.
 *
 * @returns undefined for what names no pair, and for a price whose feed names another pair than its fields (ID-3)
 */
export const pairOf = (price: Pick<VersiaPrice, 'feed' | 'base' | 'quote'>): Pair | undefined => {
  const parts = price.feed.split('/')
  const [first, second] = parts.length === 2 ? parts : []
  const { base = first, quote = second } = price
  if (base === undefined || quote === undefined) return undefined
  try {
    const pair = common({ base, quote })
    if (first === undefined || second === undefined) return pair
    const named = common({ base: first, quote: second })
    return named.base === pair.base && named.quote === pair.quote ? pair : undefined
  } catch {
    return undefined
  }
}

/** @throws AdapterInputError for what is no code, or may be two */
const common = ({ base, quote }: Pair): Pair => ({
  base: naming.common(base, 'base'),
  quote: naming.common(quote, 'quote'),
})
