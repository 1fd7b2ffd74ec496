import { type AdapterResponse } from './responses'

/**
 * For how long a value is fresh (FR-1), in ms.
 *
 * - `tick`: its age may be `maxAgeMs`, by the provider's own time, by receipt where the provider gives none.
 * - `confirmed`: the provider's last word on it, the value itself or a confirmation, may be `maxAgeMs` old, and the value itself
 *   `hardMaxAgeMs`.
 * - `scheduled`: as `tick`, for values that come by a calendar.
 */
export interface Freshness {
  mode: 'tick' | 'confirmed' | 'scheduled'
  maxAgeMs: number
  /** Only for `confirmed`. Default: `maxAgeMs`. */
  hardMaxAgeMs?: number
}

export interface FreshnessSettings {
  FRESHNESS_MAX_AGE?: number | undefined
  FRESHNESS_HARD_MAX_AGE?: number | undefined
}

/** What an endpoint declares, with the operator's limits in place of its own. */
export const freshnessUnder = (
  { FRESHNESS_MAX_AGE: maxAgeMs, FRESHNESS_HARD_MAX_AGE: hardMaxAgeMs }: FreshnessSettings,
  declared: Freshness | undefined,
): Freshness | undefined => {
  if (maxAgeMs === undefined && hardMaxAgeMs === undefined) return declared
  const { mode, ...limits } = declared ?? { mode: 'tick' as const, maxAgeMs: Infinity }
  return {
    mode,
    maxAgeMs: maxAgeMs ?? limits.maxAgeMs,
    ...(hardMaxAgeMs === undefined && limits.hardMaxAgeMs === undefined
      ? {}
      : { hardMaxAgeMs: hardMaxAgeMs ?? limits.hardMaxAgeMs }),
  }
}

/** How old a value may be by its own time, in ms. */
export const hardLimitMs = ({ mode, maxAgeMs, hardMaxAgeMs = maxAgeMs }: Freshness): number =>
  mode === 'confirmed' ? hardMaxAgeMs : maxAgeMs

/** The age of a value in ms, by what is known of it. */
export interface Age {
  ms: number
  /** Whose time it is counted from. */
  by: 'provider' | 'receipt'
}

/**
 * @param now - our time, in Unix ms: what the provider's time is held against
 * @param sinceReceiptMs - what our clocks have counted since it was received
 */
export const ageOf = (
  { timestamps: { providerIndicatedTimeUnixMs: indicated } }: AdapterResponse,
  now: number,
  sinceReceiptMs: number,
): Age =>
  indicated === undefined
    ? { ms: Math.max(0, sinceReceiptMs), by: 'receipt' }
    : // A time a little ahead of ours makes a value no younger than new.
      { ms: Math.max(0, now - indicated), by: 'provider' }

/** How much longer a value of that age may be served, in ms, counted from a word of the provider; 0 and below: it is stale. */
export const lifetimeMs = ({ ms }: Age, ttlMs: number, freshness: Freshness | undefined): number => {
  if (freshness === undefined) return ttlMs
  const leftMs = hardLimitMs(freshness) - ms
  return Math.min(ttlMs, leftMs, freshness.mode === 'confirmed' ? freshness.maxAgeMs : leftMs)
}
