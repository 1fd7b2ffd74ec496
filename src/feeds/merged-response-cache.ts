import { type TypeFromDefinition } from '../validation/input-parameters'
import { CompareResponseCache, type Decision, type Offer } from './compare-response-cache'
import { type Feed } from './feed'
import { type Merge } from './merge'
import { observe } from './observation'
import { compareTimes, isBackwards } from './order'
import { type CacheGenerics, type ResponseCache } from './response-cache'
import { type AdapterResponse } from './responses'

/** Whether a response is of a later time than the cached one; errors are no news where there is a value. */
const isLater = (next: AdapterResponse, current?: AdapterResponse): boolean => {
  if (current === undefined || current.errorMessage !== undefined) return true
  if (next.errorMessage !== undefined) return false
  const now = Date.now()
  return compareTimes(observe(next, 0, now, 0), observe(current, 0, now, 0)) > 0
}

/**
 * What one of several sources of an endpoint writes through: see {@link Merge}. Guards hold a source's values against its own last
 * one, and what is served never goes back in time.
 */
export class MergedResponseCache<T extends CacheGenerics> extends CompareResponseCache<T> {
  private readonly acceptedAsOf = new WeakMap<Feed, number>()

  /** @param rank - which of the merge's sources this one is */
  constructor(
    transportName: string,
    responseCache: ResponseCache<T>,
    private readonly merge: Merge,
    private readonly rank: number,
  ) {
    super(transportName, responseCache, isLater)
  }

  /** Extends what is stored only where it is this source's (FR-3): another's value is not confirmed by this one. */
  override async writeTTL(
    _transportName: string,
    params: TypeFromDefinition<T['Parameters']>[],
    ttl: number,
  ): Promise<void> {
    for (const one of params) {
      const { key } = this.feed(this.transportName, one)
      const allowed = await this.allowedTtl(key, ttl)
      if (this.merge.extend(key, this.rank, allowed, Date.now())) await this.cache.setTTL(key, allowed)
    }
  }

  protected override decide(
    _child: string,
    offer: Offer<T>,
    current: AdapterResponse<T['Response']> | undefined,
    now: number,
  ): Decision<T> | undefined {
    const { key, value: response, ttlMs, feed } = offer
    // Where writes take effect at once, what is not there has been lost; elsewhere it may be on its way.
    if (current === undefined && this.isImmediate && this.merge.expectsStored(key, now))
      this.merge.forget(key)
    const decision = this.merge.offer({ key, rank: this.rank, response, ttlMs }, current, now)
    if (decision?.value === undefined || feed === undefined || this.guards === undefined) return decision
    if (!this.isBackwards(feed, decision.value, now)) return decision
    this.merge.withdraw(key)
    return undefined
  }

  /** The sources share what they decide by, and decide at once: none has to wait for another's write. */
  protected override inTurn(work: () => Promise<void>): Promise<void> {
    return work()
  }

  protected override lastAccepted(_transportName: string, feed: Feed) {
    const served = this.merge.valueOf(feed.key, this.rank, Date.now())
    return { served, acceptedAsOf: this.acceptedAsOf.get(feed) }
  }

  protected override noteAccepted(_transportName: string, feed: Feed, value: AdapterResponse): void {
    const { providerIndicatedTimeUnixMs: indicated } = value.timestamps
    if (indicated !== undefined) this.acceptedAsOf.set(feed, indicated)
  }

  /** TM-1: what has expired must not come back older, from whichever source. */
  private isBackwards(feed: Feed, value: AdapterResponse, now: number): boolean {
    if (value.errorMessage !== undefined) return false
    const { providerIndicatedTimeUnixMs: indicated } = value.timestamps
    if (indicated === undefined) return false
    if (isBackwards(indicated, feed.acceptedAsOf, now, this.guards?.futureToleranceMs)) return true
    feed.acceptedAsOf = indicated
    return false
  }
}
