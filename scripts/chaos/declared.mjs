/** The adapter of a world: its endpoints with what they declare of their providers, and the settings of the service. */

export const MAX_AGE_MS = 2_000
const HARD_MAX_AGE_MS = 8_000
const FUTURE_MS = 1_000
/** The same for the model. */
export const rules = {
  ws: { maxAgeMs: MAX_AGE_MS, futureMs: FUTURE_MS },
  batched: { maxAgeMs: MAX_AGE_MS, hardMaxAgeMs: HARD_MAX_AGE_MS, futureMs: FUTURE_MS },
  sse: { maxAgeMs: MAX_AGE_MS, futureMs: FUTURE_MS },
  http: { maxAgeMs: MAX_AGE_MS, futureMs: FUTURE_MS },
}

const guards = { min: 1, max: 1_000_000, futureToleranceMs: FUTURE_MS }
const shared = { guards, caseSensitive: true }
const tick = { ...shared, freshness: { mode: 'tick', maxAgeMs: MAX_AGE_MS } }
const confirmed = { mode: 'confirmed', maxAgeMs: MAX_AGE_MS, hardMaxAgeMs: HARD_MAX_AGE_MS }
/** What the adapter declares of each provider. */
export const DECLARED = {
  ws: { kind: 'ws', declared: tick },
  batched: {
    kind: 'ws',
    declared: { ...shared, freshness: confirmed, batches: { size: 2, ackWithinMs: 500, firstDataMs: 500 } },
  },
  sse: { kind: 'sse', declared: tick },
  http: { kind: 'http', declared: tick },
}

/** What the service is set to: short lives, and pauses as short as they may be. */
export const ENV = {
  CACHE_MAX_AGE: String(MAX_AGE_MS),
  CACHE_POLLING_SLEEP_MS: '50',
  STREAM_HANDLER_RETRY_MAX_MS: '3000',
  STREAM_HANDLER_RETRY_EXP_FACTOR: '2',
  WS_CONNECTION_OPEN_TIMEOUT: '1000',
  WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '1000',
  API_TIMEOUT: '1000',
  RATE_LIMIT_CAPACITY_SECOND: '15',
}
