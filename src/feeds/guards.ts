import { isObject } from '../util/objects'
import { isBackwards } from './order'
import { type AdapterResponse } from './responses'
import { isAhead } from './time'

/** Checks on an endpoint's values. Declaring any of this makes all of it strict: a refused value is never served. */
export interface GuardOptions {
  /** How far ahead of our clock a provider's own time may be, in ms. Default 5 000. */
  futureToleranceMs?: number
  /** How old a value may be by the provider's own time (by receipt where it gives none), in ms. Default: no limit. */
  maxAgeMs?: number
  /** `positive` (default) refuses zero and below; `any` is for rates, spreads and temperatures. */
  sign?: 'positive' | 'any'
  /** Values outside are refused, never clamped. */
  min?: number
  max?: number
  /** Serve only feeds that somebody asked for; a value for any other is counted and dropped. Default true. */
  onlyWanted?: boolean
}

export type GuardReason =
  'not-finite' | 'not-positive' | 'out-of-range' | 'future' | 'backwards' | 'too-old' | 'unwanted'

const numbersOf = (response: AdapterResponse): number[] => {
  const numbers: number[] = []
  if (typeof response.result === 'number') numbers.push(response.result)
  const data: unknown = response.data
  if (isObject(data)) {
    for (const name of ['result', 'bid', 'mid', 'ask']) {
      const value = data[name]
      if (typeof value === 'number') numbers.push(value)
    }
  }
  return numbers
}

const isUnreal = (value: unknown): boolean => typeof value === 'number' && !Number.isFinite(value)

/** NU-1, for every endpoint: what is not a number never goes out as one (JSON would turn it into null). */
export const isFiniteValue = (response: AdapterResponse): boolean => {
  if (isUnreal(response.result)) return false
  const data: unknown = response.data
  if (!isObject(data)) return true
  const { result, bid, mid, ask } = data
  return !isUnreal(result) && !isUnreal(bid) && !isUnreal(mid) && !isUnreal(ask)
}

/**
 * Judges a good value against what is served now, and against the last one that was accepted: what has expired must not come back
 * older. The future is refused before times are compared, so that one bad stamp cannot freeze a feed (TM-2 before TM-1).
 *
 * @param served - the live response of the feed, if any
 * @param acceptedAsOf - the provider's time of the last value that was accepted, if it gave one
 * @returns why the value is refused, or undefined
 */
export const judge = (
  response: AdapterResponse,
  served: AdapterResponse | undefined,
  acceptedAsOf: number | undefined,
  now: number,
  guards: GuardOptions,
): GuardReason | undefined => {
  const numbers = numbersOf(response)
  if (!numbers.every(Number.isFinite)) return 'not-finite'
  if (guards.sign !== 'any' && numbers.some((value) => value <= 0)) return 'not-positive'
  const { min, max } = guards
  if (min !== undefined && numbers.some((value) => value < min)) return 'out-of-range'
  if (max !== undefined && numbers.some((value) => value > max)) return 'out-of-range'

  const { providerIndicatedTimeUnixMs: indicated, providerDataReceivedUnixMs: received } = response.timestamps
  const { futureToleranceMs } = guards
  if (indicated !== undefined) {
    if (!Number.isFinite(indicated)) return 'not-finite'
    if (isAhead(indicated, now, futureToleranceMs)) return 'future'
    const servedAsOf = served?.timestamps.providerIndicatedTimeUnixMs
    if (isBackwards(indicated, servedAsOf, now, futureToleranceMs)) return 'backwards'
    if (isBackwards(indicated, acceptedAsOf, now, futureToleranceMs)) return 'backwards'
  }
  if (guards.maxAgeMs !== undefined && now - (indicated ?? received) >= guards.maxAgeMs) return 'too-old'
  return undefined
}

/** How long an accepted value may be served: the cache's TTL, cut where the value itself becomes too old. */
export const lifetimeMs = (
  response: AdapterResponse,
  ttlMs: number,
  now: number,
  guards: GuardOptions | undefined,
): number => {
  if (guards?.maxAgeMs === undefined) return ttlMs
  const { providerIndicatedTimeUnixMs: indicated, providerDataReceivedUnixMs: received } = response.timestamps
  return Math.min(ttlMs, (indicated ?? received) + guards.maxAgeMs - now)
}
