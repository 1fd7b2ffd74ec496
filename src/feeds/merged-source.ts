import { type Admission, type Decision, type LastAccepted, type Offer } from './admission'
import { CompareResponseCache } from './compare-response-cache'
import { type Feed } from './feed'
import { isFlagged } from './guard-policy'
import { type GuardOptions } from './guards'
import { type Merge } from './merge'
import { observe } from './observation'
import { compareTimes, isBackwards } from './order'
import { type CacheGenerics, type ResponseCache } from './response-cache'
import { type AdapterResponse } from './responses'
import { type Instant, instant, ourTime } from '../util/clock'

/**
 * Decides which responses of one source are stored where an endpoint has several: see {@link Merge}. Guards compare a source's values with
 * the last one of the same source, and the times of served values never go back. All sources share one `Merge`, so that none has to wait
 * for the write of another.
 */
export class MergedSource<R extends AdapterResponse> implements Admission<R> {
  readonly takesTurns = false
  private readonly acceptedAsOf = new WeakMap<Feed, number>()

  /** @param rank - the place of this source in the merge */
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
    // Where writes are done at once, a value that is not there has been lost; elsewhere it may not have been written yet.
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

  /** Only where the stored value is of this source (FR-3): it cannot confirm the value of another. */
  extend(key: string, ttlMs: number, now: Instant): boolean {
    return this.merge.extend(key, this.rank, ttlMs, now)
  }

  forget(key: string): void {
    this.merge.forget(key)
  }

  /** TM-1: after a value has expired, no source may bring an older one. */
  private goesBack(feed: Feed, value: AdapterResponse): boolean {
    if (value.errorMessage !== undefined) return false
    const indicated = value.timestamps?.providerIndicatedTimeUnixMs
    if (indicated === undefined || isFlagged('backwards', this.guards ?? {})) return false
    if (isBackwards(indicated, feed.acceptedAsOf, ourTime.now(), this.guards?.futureToleranceMs)) return true
    feed.acceptedAsOf = indicated
    return false
  }
}

/** The response cache for one source of an endpoint that has several. */
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

/** contract 10.7: `shouldUpdate` for those who read it from the cache of a source. What is served also depends on the other sources. */
const isLater = (next: AdapterResponse, current?: AdapterResponse): boolean => {
  if (current === undefined || current.errorMessage !== undefined) return true
  if (next.errorMessage !== undefined) return false
  const now = instant()
  return compareTimes(observe(next, 0, now, 0), observe(current, 0, now, 0)) > 0
}
