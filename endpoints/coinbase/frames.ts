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

/** `heartbeat` tells a quiet market from a dead feed: once a second it says which trade was the last. */
const CHANNELS = ['ticker', 'heartbeat']

export const subscribeFrame = (products: string[]) => ({
  type: 'subscribe',
  product_ids: products,
  channels: CHANNELS,
})

export const unsubscribeFrame = (products: string[]) => ({
  type: 'unsubscribe',
  product_ids: products,
  channels: CHANNELS,
})

/** The product that a refusal names: `ETH-XYZ is not a valid product`, `LOOM-USDC is delisted`. */
export const refusedProduct = (reason: string): string | undefined =>
  /^(\S+) is (?:not a valid product|delisted)/.exec(reason)?.[1]

/** Channels are acknowledged under other names than they were asked for, so only products are compared. */
export const acknowledgedProducts = ({ channels }: Subscriptions): Set<string> =>
  new Set(channels.flatMap(({ product_ids = [] }) => product_ids))
