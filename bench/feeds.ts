/** What the bench's provider sends. */
export type Tick = { base: string; quote: string; price: number; time: number }

const PREFIX = 'ASSET'

/** The base assets of the first feeds; the quote is always USD. */
export const feeds = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `${PREFIX}${from + index}`)

const DECIMALS = 10_000

/**
 * A price of a feed. Every feed has a whole unit of its own (ASSET7 is worth from 1007 to just under 1008), so that a price says
 * whose it is, and one that reaches the wrong feed is seen.
 *
 * @param part - where in its unit, from 0 to just under 1
 */
export const priceOf = (base: string, part: number): number =>
  ((1_000 + Number(base.slice(PREFIX.length))) * DECIMALS + Math.floor(part * DECIMALS)) / DECIMALS

export const isPriceOf = (base: string, price: unknown): boolean =>
  typeof price === 'number' && Math.floor(price) === priceOf(base, 0)

/** An answer as the adapters of this bench give it, keys in their order. */
export const answerTo = (tick: Tick) => ({
  result: tick.price,
  data: { result: tick.price },
  timestamps: {
    providerDataStreamEstablishedUnixMs: 1_700_000_000_000,
    providerDataReceivedUnixMs: tick.time,
    providerIndicatedTimeUnixMs: tick.time,
  },
  statusCode: 200,
  meta: {
    adapterName: 'BENCH',
    transportName: 'default_single_transport',
    metrics: { feedId: `{"base":"${tick.base.toLowerCase()}","quote":"usd"}` },
  },
})

/** The body of a request for a feed. */
export interface Question {
  data: { base: string; quote: string }
}

/** The feed whose answer the constant floor returns to everybody. */
export const CONSTANT_FEED = feeds(1)[0] as string

/** A tick of a feed that no provider sent. */
export const sampleTick = (base: string): Tick => ({
  base,
  quote: 'USD',
  price: priceOf(base, 0.2345),
  time: 1_700_000_000_000,
})
