import { type Leaver, type RateLimiter } from './rate-limiter'
import { type AdapterRateLimitTier, longWindowsOf } from './tiers'
import { inWhole, WindowedRateLimiter } from './windowed-rate-limiter'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

/**
 * A window gives credits back up to a hundredth of its length late. At the very rate of a day or a month there would be no credits for so
 * long, once: minutes, or hours.
 */
const SLACK = 1.01

/**
 * Sends requests as they come until the credits of the last second, minute, hour, day or 30 days are used up. The minute's limit is at most
 * a sixtieth of the hour's, and the same part of a day's and a month's, so that no budget is used up in a few minutes.
 */
export class BurstRateLimiter extends WindowedRateLimiter implements RateLimiter {
  perSecondLimit = Infinity
  perMinuteLimit = Infinity

  initialize(_endpoints: unknown[], limits?: AdapterRateLimitTier): this {
    const [minute, hour, ...longer] = longWindowsOf(limits)
    const rates = longer.map(({ lengthMs, limit }) => (limit * MINUTE_MS) / (lengthMs * SLACK))
    this.perSecondLimit = limits?.rateLimit1s || Infinity
    this.perMinuteLimit = Math.min(minute!.limit, hour!.limit / 60, ...rates)
    const second = { lengthMs: SECOND_MS, limit: this.perSecondLimit }
    // What is left of a longer window is no limit that anybody declared, and keeps to its rate alone.
    const paced = inWhole({ lengthMs: MINUTE_MS, limit: this.perMinuteLimit })
    this.limit(this.perMinuteLimit < minute!.limit ? [second, paced] : [second], limits)
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
