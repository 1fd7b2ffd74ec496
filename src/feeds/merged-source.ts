import { type Admission, type Decision, type LastAccepted, type Offer } from './admission'
import { CompareResponseCache } from './compare-response-cache'
import { type Feed } from './feed'
import { type GuardOptions } from './guards'
import { type Merge } from './merge'
import { observe } from './observation'
import { compareTimes, isBackwards } from './order'
import { type CacheGenerics, type ResponseCache } from './response-cache'
import { type AdapterResponse } from './responses'
import { type Instant, instant, ourTime } from '../util/clock'

/**
 * What one of several sources of an endpoint gets into the cache: see {@link Merge}. Guards hold a source's values against its own last
 * one, and what is served never goes back in time. The sources share what they decide by, so that none waits for another's write.
 */
export class MergedSource<R extends AdapterResponse> implements Admission<R> {
  readonly takesTurns = false
  private readonly acceptedAsOf = new WeakMap<Feed, number>()

  /** @param rank - which of the merge's sources this one is */
  constructor(
    private readonly merge: Merge,
    private readonly rank: number,
    private readonly guards: GuardOptions | undefined,
  ) {}

  admit(
    { key, value: response, ttlMs, feed }: Offer<R>,
    current: R | undefined,
    now: Instant,
    isAtOnce: boolean,
  ): Decision<R> | undefined {
    // Where writes take effect at once, what is not there has been lost; elsewhere it may be on its way.
    if (current === undefined && isAtOnce && this.merge.expectsStored(key, now)) this.merge.forget(key)
    const decision = this.merge.offer({ key, rank: this.rank, response, ttlMs }, current, now) as
      Decision<R> | undefined
    if (decision?.value === undefined || feed === undefined || this.guards === undefined) return decision
    if (!this.goesBack(feed, decision.value)) return decision
    this.merge.withdraw(key)
    return undefined
  }

  lastAccepted(feed: Feed, now: Instant): LastAccepted {
    const served = this.merge.valueOf(feed.key, this.rank, now)
    return { served, acceptedAsOf: this.acceptedAsOf.get(feed) }
  }

  noteAccepted(feed: Feed, { timestamps }: AdapterResponse): void {
    const { providerIndicatedTimeUnixMs: indicated } = timestamps
    if (indicated !== undefined) this.acceptedAsOf.set(feed, indicated)
  }

  /** Only where what is stored is this source's (FR-3): another's value is not confirmed by this one. */
  extend(key: string, ttlMs: number, now: Instant): boolean {
    return this.merge.extend(key, this.rank, ttlMs, now)
  }

  forget(key: string): void {
    this.merge.forget(key)
  }

  /** TM-1: what has expired must not come back older, from whichever source. */
  private goesBack(feed: Feed, value: AdapterResponse): boolean {
    if (value.errorMessage !== undefined) return false
    const { providerIndicatedTimeUnixMs: indicated } = value.timestamps
    if (indicated === undefined) return false
    if (isBackwards(indicated, feed.acceptedAsOf, ourTime.now(), this.guards?.futureToleranceMs)) return true
    feed.acceptedAsOf = indicated
    return false
  }
}

/** What one of several sources of an endpoint writes through. */
export const mergedResponseCache = <T extends CacheGenerics>(
  transportName: string,
  responseCache: ResponseCache<T>,
  merge: Merge,
  rank: number,
): CompareResponseCache<T> =>
  new CompareResponseCache(
    transportName,
    responseCache,
    isLater,
    new MergedSource(merge, rank, responseCache.guards),
  )

/** contract 10.7: the rule as whoever looks at the cache of a source finds it. What is served also depends on what the others said. */
const isLater = (next: AdapterResponse, current?: AdapterResponse): boolean => {
  if (current === undefined || current.errorMessage !== undefined) return true
  if (next.errorMessage !== undefined) return false
  const now = instant()
  return compareTimes(observe(next, 0, now, 0), observe(current, 0, now, 0)) > 0
}
