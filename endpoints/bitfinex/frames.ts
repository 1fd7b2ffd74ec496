import { providerTime } from '../../src/public/util'

/** `[chanId, payload, ...]`: a ticker's numbers, or `hb` every 15 s. What follows depends on the flags in force. */
export type DataFrame = [channelId: number, payload: unknown, ...extras: unknown[]]

export interface EventFrame {
  event: string
  channel?: string
  chanId?: number
  symbol?: string
  code?: number
  msg?: string
  flags?: number
  status?: string
  platform?: { status: number }
}

export type BitfinexMessage = DataFrame | EventFrame

/** Codes of `error` and `info` events that are acted upon. */
export const DUPLICATE = 10301
export const LIMIT = 10305
export const UNKNOWN_CHANNEL = 10400
export const STOPPING = 20051
export const MAINTENANCE_BEGINS = 20060
export const MAINTENANCE_ENDS = 20061

/** Flags of the `conf` event: a ms timestamp, and a sequence number before it, at the end of each data frame. */
const TIMESTAMPS = 32_768
const SEQUENCES = 65_536

/** Without this Bitfinex gives no time. */
export const CONF_FRAME = { event: 'conf', flags: TIMESTAMPS }

export const subscribeFrame = ([symbol]: string[]) => ({ event: 'subscribe', channel: 'ticker', symbol })

/** By index: newer frames have more elements. */
export const pricesOf = (payload: unknown[]) => ({ bid: payload[0], ask: payload[2], last: payload[6] })

const msOf = providerTime('ms')

/** The time of a frame, by the flags in force and never by the size of a number. In Unix ms. */
export const timeOf = (frame: DataFrame, flags: number): number | undefined =>
  (flags & TIMESTAMPS) === 0 ? undefined : msOf(frame[(flags & SEQUENCES) === 0 ? 2 : 3])
