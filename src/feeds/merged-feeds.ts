import { type Instant } from '../util/clock'
import { ExpiryHeap } from '../util/expiry-heap'
import { type SourceError } from './merged-error'
import { type Observation } from './observation'
import { overflowed } from '../metrics/bounds'

/** At most this many feeds are remembered. When there are more, the one that expires first is forgotten. */
const MAX_FEEDS = 50_000

/** What each source last sent for one feed. */
export interface MergedFeed {
  key: string
  /** When the last of it expires, by the monotonic clock, in ms. */
  expiresAt: number
  values: (Observation | undefined)[]
  errors: (SourceError | undefined)[]
  /** What was stored last. */
  written: Observation | undefined
  /** Errors may be served even if some sources have sent nothing yet. */
  isWaitOver: boolean
}

/** What is remembered of all feeds of a merge, until it has expired. */
export class MergedFeeds {
  private readonly feeds = new Map<string, MergedFeed>()
  private readonly expiries = new ExpiryHeap<MergedFeed>()

  get size(): number {
    return this.feeds.size
  }

  get(key: string): MergedFeed | undefined {
    return this.feeds.get(key)
  }

  has(key: string): boolean {
    return this.feeds.has(key)
  }

  /** What is remembered of a feed; new and empty where that is nothing. */
  take(key: string, now: Instant): MergedFeed {
    this.expire(now)
    let feed = this.feeds.get(key)
    if (feed === undefined) {
      if (this.feeds.size >= MAX_FEEDS) this.forgetSoonest()
      feed = {
        key,
        expiresAt: now.monotonicMs,
        values: [],
        errors: [],
        written: undefined,
        isWaitOver: false,
      }
      this.feeds.set(key, feed)
      this.expiries.push(feed)
    }
    return feed
  }

  forget(key: string): void {
    const feed = this.feeds.get(key)
    if (feed === undefined) return
    this.feeds.delete(key)
    this.expiries.remove(feed)
  }

  private expire({ monotonicMs }: Instant): void {
    for (
      let old = this.expiries.popExpired(monotonicMs);
      old !== undefined;
      old = this.expiries.popExpired(monotonicMs)
    )
      this.feeds.delete(old.key)
  }

  private forgetSoonest(): void {
    const soonest = this.expiries.popEarliest()
    if (soonest !== undefined) this.feeds.delete(soonest.key)
    overflowed('composite_feeds')
  }
}
