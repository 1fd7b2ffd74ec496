import { decimalText } from '../../src/public/util'

/**
 * A price as every ready-made endpoint answers with it. `result` is the last trade, or the mid where the frame has no trade; the
 * sides of the book are there where the provider gave them. All in units of the quote asset.
 */
export type Quote = {
  result: number
  bid?: number
  mid?: number
  ask?: number
}

const form = { leadingZeros: true, point: 'inside', exponentDigits: 2, maxCharacters: 60 } as const
const isDecimal = decimalText(form)
const isSignedDecimal = decimalText({ ...form, sign: '-' })

/** A finite number above zero, from a JSON number or a decimal string; undefined for everything else. Nothing is coerced (NU-1). */
export const positive = (value: unknown): number | undefined => {
  const number = isDecimal(value) ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined
}

/**
 * The quote of one frame; undefined when it has neither a trade nor a whole book. `last` may lie outside of the book. A book that
 * is crossed or has one side only has no mid.
 */
export const quoteOf = (of: { last: unknown; bid: unknown; ask: unknown }): Quote | undefined => {
  const bid = positive(of.bid)
  const ask = positive(of.ask)
  const mid = bid !== undefined && ask !== undefined && bid <= ask ? (bid + ask) / 2 : undefined
  const result = positive(of.last) ?? mid
  return result === undefined ? undefined : { result, bid, mid, ask }
}

/** Why a frame has no quote; undefined when it has one. */
export const whyNoQuote = (of: { last: unknown; bid: unknown; ask: unknown }) => {
  if (quoteOf(of) !== undefined) return undefined
  const { last } = of
  if (last === undefined || last === null || last === '') return 'missing'
  return Number.isFinite(last) || isSignedDecimal(last) ? 'not-positive' : 'not-a-number'
}
