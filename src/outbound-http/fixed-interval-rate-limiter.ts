import { type Leaver, type RateLimiter } from './rate-limiter'
import { type AdapterRateLimitTier, lowestTierLimit } from './tiers'
import { WindowedRateLimiter } from './windowed-rate-limiter'

/** Sends requests at equal intervals, by the most restrictive limit, and the first one at once. The cost of a request is ignored. */
export class FixedIntervalRateLimiter extends WindowedRateLimiter implements RateLimiter {
  /** Time between two requests, in ms; 0 when nothing limits. */
  period = 0
  /** When the last request was let through. */
  lastRequestAt: number | null = null

  initialize(_endpoints: unknown[], limits?: AdapterRateLimitTier): this {
    this.period = 1_000 / lowestTierLimit(limits)
    this.lastRequestAt = null
    this.limit(this.period > 0 ? [{ lengthMs: this.period, limit: 1 }] : [], limits)
    return this
  }

  /** The period keeps all of them, except for what was used up before the start. */
  protected override get keepsWindows(): 'always' | 'at first' {
    return 'at first'
  }

  waitForRateLimit(cost?: number, leaver?: Leaver): Promise<void> {
    return this.admit(cost, leaver)
  }

  protected override creditsFor(_cost: number | undefined): number {
    return 1
  }

  protected override spend(credits: number): void {
    this.lastRequestAt = Date.now()
    super.spend(credits)
  }
}
