import { BurstRateLimiter } from './burst-rate-limiter'
import { FixedIntervalRateLimiter } from './fixed-interval-rate-limiter'
import { type RateLimiter } from './rate-limiter'

/** How a budget is spent: the values of `RATE_LIMITING_STRATEGY`. */
export enum RateLimitingStrategy {
  BURST = 'burst',
  FIXED_INTERVAL = 'fixed-interval',
}

export class RateLimiterFactory {
  static buildRateLimiter(strategy: RateLimitingStrategy): RateLimiter {
    return strategy === RateLimitingStrategy.BURST ? new BurstRateLimiter() : new FixedIntervalRateLimiter()
  }
}
