import { type Reason } from '../validation/reason'
import { type Place } from './local-cache'
import { type AdapterResponse, type AdapterResponseMeta } from './responses'
import { ageMs, clockNote, type Instant, type Witness } from '../util/clock'
import { type GuardMemory } from './guards'
import { type FeedRule } from './limits/feed-rule'

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`

/**
 * One endpoint, one transport, one set of parameters. Requests, messages, cache entries and metrics of a feed meet in this
 * object; its key is computed once. Counters are plain numbers, published when metrics are scraped.
 */
export class Feed {
  lastUsedAt = 0
  /** Requests that found a live response here, and those of them that were answered with it and status 200. */
  gets = 0
  hits = 0
  /** Requests that were answered with status 200 after a wait, or in the foreground. */
  misses = 0
  lastHitAt = 0
  /** Values written, and how long each may live. */
  sets = 0
  lastSetAt = 0
  ttlMs = 0
  /** Receipt time minus the provider's own time of the last value; 0 when the provider gives none. */
  providerDeltaMs = 0
  /** The provider's own time of the last value that passed the guards. */
  acceptedAsOf: number | undefined = undefined
  /** Why its last value was refused; undefined once one has passed. */
  refusal: Reason | undefined = undefined
  /** When the last good value was written, and for how long it was good then, in ms. */
  lastSet: Instant | undefined = undefined
  lastLifeMs = 0
  /** What the operator says of it alone, if anything: looked up when it comes to be, and whenever the limits change. */
  rule: FeedRule | undefined = undefined
  /** What its guards remember of it. */
  readonly memory: GuardMemory = {}
  /** How clients have spelled it, where letter case does not count. */
  spellings: Record<string, unknown>[] | undefined = undefined
  /** Its entry in the local cache, see {@link Place}. */
  node: Place<never>['node'] = undefined
  /** True once the index has dropped this object: whoever holds it has to look the feed up anew. */
  isForgotten = false
  private touches = -1
  private untouchedSinceMs = 0

  constructor(
    readonly key: string,
    readonly feedId: string,
    readonly endpointName: string,
    /** Attached to every stored response when metrics are on; one object for the life of the feed. */
    readonly meta: AdapterResponseMeta | undefined,
    /** What the ticks of its source say about our clock; shared by all feeds of the source. */
    readonly witness: Witness,
    /** What an operator calls it: the values of its parameters, in the order of the endpoint's definition. */
    readonly name: string,
  ) {}

  /** Why it has no value, as far as its own last one tells: that was refused, or it is over. */
  get absence(): Reason | undefined {
    if (this.refusal !== undefined) return this.refusal
    const { lastSet, lastLifeMs } = this
    if (lastSet === undefined || ageMs(lastSet) < lastLifeMs) return undefined
    const age = `it came ${seconds(ageMs(lastSet))} ago and was good for ${seconds(lastLifeMs)}`
    const message = `The last value is stale: ${age}${clockNote()}`
    return { code: 'STALE_VALUE', message, sinceUnixMs: Math.round(lastSet.unixMs + lastLifeMs) }
  }

  /** One of its values has been written. */
  noteWrite(value: AdapterResponse, ttlMs: number, at: Instant): void {
    this.sets++
    this.lastSetAt = at.unixMs
    if (value.errorMessage === undefined) {
      this.lastSet = at
      this.lastLifeMs = ttlMs
    }
    this.ttlMs = ttlMs
    const indicated = value.timestamps?.providerIndicatedTimeUnixMs
    this.providerDeltaMs = indicated === undefined ? 0 : at.unixMs - indicated
  }

  /**
   * Whether nobody has asked for it or written to it for so long, as far as these calls have seen.
   *
   * @param now - by the monotonic clock
   */
  isUntouchedFor(ms: number, now: number): boolean {
    const touches = this.lastUsedAt + this.lastSetAt + this.gets + this.misses + this.sets
    if (touches !== this.touches) {
      this.touches = touches
      this.untouchedSinceMs = now
    }
    return now - this.untouchedSinceMs >= ms
  }
}
