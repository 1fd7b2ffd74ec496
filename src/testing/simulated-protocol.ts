import { isObject } from '../util/objects'
import { type Quote } from './simulated-market'

/** The channels of the simulated exchange, with the name that each has in the acknowledgement. */
export const CHANNELS = { ticker: 'ticker', ticker_batch: 'ticker_1000', heartbeat: 'heartbeat' } as const

export type Channel = keyof typeof CHANNELS

/** One product on one channel. */
export interface Topic {
  channel: string
  product: string
}

/** What a client asks for, or why its message cannot be understood. */
export type ClientMessage =
  | { type: 'subscribe' | 'unsubscribe'; topics: Topic[] }
  | { type: 'invalid'; message: string; reason: string }

const SIGNED_CHANNELS = new Set(['level2', 'level3', 'full'])

export const isChannel = (name: string): name is Channel => Object.hasOwn(CHANNELS, name)

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []

const invalid = (message: string, reason: string): ClientMessage => ({ type: 'invalid', message, reason })

/** A channel is given by its name, and then has the products of the message; or as an object with its own products. Both may be mixed. */
const channelsOf = (message: Record<string, unknown>): { name: string; products: string[] }[] => {
  const shared = texts(message['product_ids'])
  const channels: unknown[] = Array.isArray(message['channels']) ? message['channels'] : []
  return channels.map((channel) => {
    if (!isObject(channel)) return { name: String(channel), products: shared }
    const { name, product_ids: own } = channel
    return { name: String(name), products: own === undefined ? shared : texts(own) }
  })
}

/** Reads a frame of a client. */
export const parseClientMessage = (text: string): ClientMessage => {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return invalid('Malformed JSON', 'the frame is not JSON')
  }
  if (!isObject(message)) return invalid('Malformed JSON', 'not an object')
  const { type } = message
  if (type !== 'subscribe' && type !== 'unsubscribe')
    return invalid('Invalid message', 'Type has to be either subscribe or unsubscribe')
  const failure = `Failed to ${type}`
  const channels = channelsOf(message)
  if (channels.length === 0) return invalid(failure, 'channels must be provided')
  for (const { name, products } of channels) {
    if (SIGNED_CHANNELS.has(name))
      return invalid(failure, 'level2, level3, and full channels now require authentication.')
    if (!isChannel(name)) return invalid(failure, `${name} is not a valid channel`)
    if (type === 'subscribe' && products.length === 0)
      return invalid(failure, `You need to specify at least one product ID for channel ${name}`)
  }
  const topics = channels.flatMap(({ name, products }) =>
    products.map((product) => ({ channel: name, product })),
  )
  return { type, topics }
}

/** Six digits after the second, as the exchange writes it. */
export const timeText = (unixMs: number): string => new Date(unixMs).toISOString().replace('Z', '000Z')

/** A time in year 1: what the exchange sends when it has none. */
export const YEAR_ONE = '0001-01-01T00:00:00.000000Z'

/** The frame of a trade, without the statistics of the day. */
export const tickerFrame = (product: string, quote: Quote, time: string) => ({
  type: 'ticker' as const,
  sequence: quote.sequence,
  product_id: product,
  price: quote.price,
  best_bid: quote.bestBid,
  best_bid_size: '1.00000000',
  best_ask: quote.bestAsk,
  best_ask_size: '1.00000000',
  side: quote.side,
  time,
  trade_id: quote.tradeId,
  last_size: '0.01000000',
})

/** A ticker as the simulated exchange sends it. */
export type Ticker = ReturnType<typeof tickerFrame>

export const heartbeatFrame = (product: string, quote: Quote, unixMs: number) => ({
  type: 'heartbeat',
  last_trade_id: quote.tradeId,
  product_id: product,
  sequence: quote.sequence,
  time: timeText(unixMs),
})

/** The frame with all subscriptions of a connection, grouped by channel. */
export const subscriptionsFrame = (topics: Iterable<Topic & { channel: Channel }>) => {
  const byChannel = new Map<string, string[]>()
  for (const { channel, product } of topics) {
    const products = byChannel.get(CHANNELS[channel]) ?? []
    byChannel.set(CHANNELS[channel], [...products, product])
  }
  const channels = [...byChannel].map(([name, products]) => ({
    name,
    product_ids: products,
    account_ids: null,
  }))
  return { type: 'subscriptions', channels }
}

export const errorFrame = (message: string, reason: string) => ({ type: 'error', message, reason })
