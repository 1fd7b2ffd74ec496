import { type AdapterResponse } from './responses'

/**
 * For how long a value is fresh (FR-1), in ms.
 *
 * - `tick`: its age may be up to `maxAgeMs`. Age is counted from the provider's own time, or from receipt where the provider gives none.
 * - `confirmed`: for providers that confirm a value that has not changed. The last message about it (the value or a confirmation) may be up
 *   to `maxAgeMs` old, and the value itself up to `hardMaxAgeMs`.
 * - `scheduled`: the same as `tick`, for values that come at fixed times.
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

/** The freshness that an endpoint declares, with the operator's limits in place of the endpoint's where there are any. */
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

/** The age of a value, in ms. */
export interface Age {
  ms: number
  /** Whether it is counted from the provider's time or from receipt. */
  by: 'provider' | 'receipt'
}

/**
 * @param now - our time, in Unix ms, with which the provider's time is compared
 * @param sinceReceiptMs - the time since the value was received, by our clocks
 */
export const ageOf = ({ timestamps }: AdapterResponse, now: number, sinceReceiptMs: number): Age => {
  const indicated = timestamps?.providerIndicatedTimeUnixMs
  return indicated === undefined
    ? { ms: Math.max(0, sinceReceiptMs), by: 'receipt' }
    : // A provider's time that is a little ahead of ours must not make the age negative.
      { ms: Math.max(0, now - indicated), by: 'provider' }
}

/** How much longer a value of this age may be served when the provider sends or confirms it now, in ms. 0 or less: it is stale. */
export const lifetimeMs = ({ ms }: Age, ttlMs: number, freshness: Freshness | undefined): number => {
  if (freshness === undefined) return ttlMs
  const leftMs = hardLimitMs(freshness) - ms
  return Math.min(ttlMs, leftMs, freshness.mode === 'confirmed' ? freshness.maxAgeMs : leftMs)
}
