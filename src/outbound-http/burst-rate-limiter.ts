import { type Leaver, type RateLimiter } from './rate-limiter'
import { type AdapterRateLimitTier } from './tiers'
import { inWhole, WindowedRateLimiter } from './windowed-rate-limiter'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/**
 * Sends requests as they come until the credits of the last second, minute or hour are used up. The minute's limit is at most a
 * sixtieth of the hour's, so that an hourly budget is not used up in a few minutes.
 */
export class BurstRateLimiter extends WindowedRateLimiter implements RateLimiter {
  perSecondLimit = Infinity
  perMinuteLimit = Infinity

  initialize(_endpoints: unknown[], limits?: AdapterRateLimitTier): this {
    const perHour = limits?.rateLimit1h || Infinity
    this.perSecondLimit = limits?.rateLimit1s || Infinity
    this.perMinuteLimit = Math.min(limits?.rateLimit1m || Infinity, perHour / 60)
    const minute = { lengthMs: MINUTE_MS, limit: this.perMinuteLimit }
    this.limit([
      { lengthMs: SECOND_MS, limit: this.perSecondLimit },
      // What is left of the hour is no limit that anybody declared, and keeps to its rate alone.
      this.perMinuteLimit < (limits?.rateLimit1m || Infinity) ? inWhole(minute) : minute,
      { lengthMs: HOUR_MS, limit: perHour },
    ])
    return this
  }

  waitForRateLimit(cost?: number, leaver?: Leaver): Promise<void> {
    return this.admit(cost, leaver)
  }

  /** Credits spent in the last second; 0 where the second has no limit. */
  get creditsThisSecond(): number {
    return this.perSecondLimit === Infinity ? 0 : (this.limits[0]?.spent ?? 0)
  }

  /** Credits spent in the last minute; 0 where the minute has no limit. */
  get creditsThisMinute(): number {
    if (this.perMinuteLimit === Infinity) return 0
    return this.limits[this.perSecondLimit === Infinity ? 0 : 1]?.spent ?? 0
  }
}
