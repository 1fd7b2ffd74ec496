import { type AdapterRateLimitTier } from './tiers'

/** Says when the next request to the provider may go out (contract 11). */
export interface RateLimiter {
  /** @param endpoints - the adapter's endpoints; how they share the budget is not enforced (contract 17.13) */
  initialize(endpoints: unknown[], limits?: AdapterRateLimitTier): this
  /**
   * Resolves when a request may be sent; it counts as sent from then on. Requests go in the order in which they came.
   *
   * @param cost - credits that the provider charges for it; 1 by default
   */
  waitForRateLimit(cost?: number): Promise<void>
  /** How long a request that came now would have to wait, in ms. */
  msUntilNextExecution(): number
}
