import { type VersiaPrice } from '../..'

const CODE = /^[A-Z0-9]{1,32}$/

export interface Pair {
  base: string
  quote: string
}

/**
 * The pair that a price is for, in upper case: its `base` and `quote`, or else its feed where that is written `BASE/QUOTE`.
 *
 * @returns undefined for what names no pair, and for a price whose feed names another pair than its fields (ID-3)
 */
export const pairOf = ({
  feed,
  base,
  quote,
}: Pick<VersiaPrice, 'feed' | 'base' | 'quote'>): Pair | undefined => {
  const parts = feed.toUpperCase().split('/')
  const [first = '', second = ''] = parts
  const isPair = parts.length === 2
  const pair = { base: base?.toUpperCase() ?? first, quote: quote?.toUpperCase() ?? second }
  if (isPair && (pair.base !== first || pair.quote !== second)) return undefined
  if (!isPair && (base === undefined || quote === undefined)) return undefined
  return CODE.test(pair.base) && CODE.test(pair.quote) ? pair : undefined
}
