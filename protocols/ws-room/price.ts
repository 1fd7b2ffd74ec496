import { decimalText } from '../../src/util/decimal'
import { type AuthLink } from './auth-chain'

/** A price as it travels in a Scene: one JSON object. */
export interface RoomPrice {
  /** Name of the feed: printable ASCII, 1 to 64 characters. */
  feed: string
  /** Decimal, without exponent: as it was sent, no digit lost. */
  value: string
  /** When the value was observed, in Unix ms. */
  observedAt: number
  /** Rises with each message of a signer about a feed; a jump says that messages were lost. */
  seq: number
}

/** Beside the price: the chain that ends in {@link priceText}, undefined when it was sent unsigned. */
export interface SentPrice extends RoomPrice {
  chain: unknown
}

/** Several times what a price with the longest chain needs. */
export const MAX_PRICE_BYTES = 8_192

/** The object, the chain in it, a link in that. */
const MAX_DEPTH = 3
const MAX_VALUE_CHARACTERS = 64

const FEED = /^[\x20-\x7e]{1,64}$/

export const isFeedName = (feed: unknown): feed is string => typeof feed === 'string' && FEED.test(feed)

export const isPriceValue = decimalText({ sign: '-', point: 'inside', maxCharacters: MAX_VALUE_CHARACTERS })

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/**
 * The text that a price's chain signs. It names the room, so that it cannot be used again in another one. It never has the form of a
 * login challenge, and a login challenge never has the form of it.
 */
export const priceText = (room: string, { feed, value, observedAt, seq }: RoomPrice): string =>
  [
    'oracle-price/1',
    `room: ${room}`,
    `feed: ${feed}`,
    `value: ${value}`,
    `observed_at: ${observedAt}`,
    `seq: ${seq}`,
  ].join('\n')

export const encodePrice = ({ feed, value, observedAt, seq }: RoomPrice, chain: AuthLink[]): Buffer =>
  Buffer.from(JSON.stringify({ v: 1, feed, value, observed_at: observedAt, seq, chain }), 'utf8')

/** Whether JSON text nests no deeper than it may. Brackets inside strings do not count. */
const isShallow = (text: string): boolean => {
  let depth = 0
  let isInString = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (isInString && character === '\\') at++
    else if (character === '"') isInString = !isInString
    else if (!isInString && '[{'.includes(character) && ++depth > MAX_DEPTH) return false
    else if (!isInString && ']}'.includes(character)) depth--
  }
  return true
}

const parseJson = (data: Uint8Array): unknown => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data)
    return isShallow(text) ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

/** Reads a price; undefined for anything that is not one. Fields that are not known are skipped. */
export const parsePrice = (data: Uint8Array): SentPrice | undefined => {
  if (data.length > MAX_PRICE_BYTES) return undefined
  const parsed = parseJson(data)
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { v, feed, value, observed_at: observedAt, seq, chain } = parsed as Record<string, unknown>
  if (v !== 1 || !isFeedName(feed) || !isPriceValue(value) || !isCount(observedAt) || !isCount(seq))
    return undefined
  return { feed, value, observedAt, seq, chain }
}
