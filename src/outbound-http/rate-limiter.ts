import { type AdapterRateLimitTier } from './tiers'

/** One that waits for the limiter, and may leave without having cost anything. */
export interface Leaver {
  /** It leaves when this aborts: the promise is rejected with the signal's reason. */
  readonly signal: AbortSignal
  /** Asked when its turn has come. If false, it leaves with an `UnwantedError`. */
  readonly isWanted: boolean
}

/** Says when the next request to the provider may go out (contract 11). */
export interface RateLimiter {
  /** @param endpoints - the adapter's endpoints; how they share the budget is not enforced (contract 17.13) */
  initialize(endpoints: unknown[], limits?: AdapterRateLimitTier): this
  /**
   * Resolves when a request may be sent; it counts as sent from then on. Requests go in the order in which they came.
   *
   * @param cost - credits that the provider charges for it; 1 by default
   * @param leaver - by which it may leave; by default it stays until it is let through. A limiter of an author's need not look at it
   */
  waitForRateLimit(cost?: number, leaver?: Leaver): Promise<void>
  /** How long a request that came now would have to wait, in ms. */
  msUntilNextExecution(): number
}
