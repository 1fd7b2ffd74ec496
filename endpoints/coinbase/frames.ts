/** Prices and sizes are decimal strings, `time` is ISO 8601 with microseconds. */
export interface Ticker {
  type: 'ticker'
  product_id: string
  /** Grows per product, not by one. */
  sequence: number
  price: string
  best_bid: string
  best_ask: string
  time: string
  trade_id: number
}

/** Once a second for each product: which trade was the last, or 0 where there never was one. */
export interface Heartbeat {
  type: 'heartbeat'
  product_id: string
  last_trade_id: number
}

/** The whole set of the connection, under the channels' inner names (`ticker_1000` for `ticker_batch`), in an order of its own. */
export interface Subscriptions {
  type: 'subscriptions'
  channels: { product_ids?: string[] }[]
}

export interface Refusal {
  type: 'error'
  message: string
  reason?: string
}

/** Other types (`last_match`, `l2update`, `status`) are not asked for, and ignored. */
export type CoinbaseMessage = Ticker | Heartbeat | Subscriptions | Refusal

const frame = (type: string) => (products: string[]) => ({
  type,
  product_ids: products,
  channels: ['ticker', 'heartbeat'],
})

export const subscribeFrame = frame('subscribe')
export const unsubscribeFrame = frame('unsubscribe')

/** The product that a refusal names: `ETH-XYZ is not a valid product`, `LOOM-USDC is delisted`. */
export const refusedProduct = (reason: string): string | undefined =>
  /^(\S+) is (?:not a valid product|delisted)/.exec(reason)?.[1]

const isText = (value: unknown): value is string => typeof value === 'string'

/** Undefined for what is no channel. */
const productsOf = (channel: Subscriptions['channels'][number] | null): unknown[] | undefined => {
  const products: unknown = channel?.product_ids ?? (typeof channel === 'object' && channel !== null && [])
  return Array.isArray(products) ? products : undefined
}

/**
 * Channels are acknowledged under other names than they were asked for, so only products are compared. What cannot be read might be any
 * product: the others are then not taken for the whole set.
 */
export const acknowledgement = ({ channels }: Subscriptions): { accepted: string[]; isWhole: boolean } => {
  const lists = Array.isArray(channels) ? channels.map(productsOf) : [undefined]
  const products = lists.flatMap((list) => list ?? [undefined])
  return { accepted: products.filter(isText), isWhole: products.every(isText) }
}
