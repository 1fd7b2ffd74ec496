import { goingOn, type Reason } from '../validation/reason'
import { type Place } from './local-cache'
import { type AdapterResponse, type AdapterResponseMeta } from './responses'
import { ageMs, clockNote, type Instant, secondsOf } from '../util/clock'
import { type Witness } from '../util/our-time'
import { type GuardMemory, type GuardReason } from './guards'
import { type FeedRule } from './limits/feed-rule'

type Data = Record<string, unknown>

const EVICTED =
  'As many values are kept as may be (CACHE_MAX_ITEMS): the one of this feed was dropped, because it had been updated longest ago'

/** When a value was written, how long it could be served from then on, and the provider's own time of it, NaN where it gave none. */
type Written = Instant & { lifeMs: number; indicated: number }

/**
 * One endpoint, one transport, one set of parameters. Requests, messages, cache entries and metrics of a feed share this object, and its
 * key is computed once. Counters are plain numbers, published when metrics are scraped.
 */
export class Feed {
  /** Requests that found a live response, and those of them that were answered with it and status 200. */
  gets = 0
  hits = 0
  /** Requests that were answered with status 200 after a wait, or in the foreground. */
  misses = 0
  lastHitAt = 0
  /** How many values were written, when the last one was, and how long that may live, in ms. */
  sets = 0
  lastSetAt = 0
  ttlMs = 0
  /** How many of its values were refused. */
  refused = 0
  /** The provider's own time of the last value that passed the guards; NaN where none had one. */
  acceptedAsOf = NaN
  /** Why its last value was refused; undefined after a value was accepted. */
  refusal: Reason | undefined = undefined
  /** Why errors are written in place of values; undefined after a value was. */
  error: Reason | undefined = undefined
  /** What its last value was served in spite of, where a guard's policy is to flag. */
  flags: readonly GuardReason[] | undefined = undefined
  /** When its last good value ends at the latest, by the monotonic clock, where a guard holds a newer one back. */
  heldUntilMs: number | undefined = undefined
  /** {@link lastSetAt} by the monotonic clock. */
  private lastSetMs = 0
  /** The era of our time at {@link lastSetAt}. */
  private lastSetEra: number | undefined = undefined
  /** The provider's own time of the last value; NaN where it gave none. */
  private indicated = NaN
  private isLastGood = false
  /** The last good value, where errors were written after it. */
  private lastGood: Written | undefined = undefined
  /** The operator's limits for this feed, if there are any: looked up when the feed is made, and whenever the limits change. */
  rule: FeedRule | undefined = undefined
  private remembered: GuardMemory | undefined = undefined
  /** The params by which a client asked for it first, where letter case does not count. */
  askedAs: Data | undefined = undefined
  /** The params of later requests with other spellings than {@link askedAs}. */
  otherSpellings: readonly Data[] | undefined = undefined
  /** Its entry in the local cache, see {@link Place}. */
  node: Place<never>['node'] = undefined
  /** True once the index has removed this object: code that still has it must look the feed up again. */
  isForgotten = false
  /** Whether it has counters of its own among the metrics; undefined until it had something to show at a scrape. */
  hasCounters: boolean | undefined = undefined
  /** What is known of it takes about so much, in bytes. */
  weight = 0
  private touches = -1
  private touchesAtLook = 0
  private untouchedSinceMs = 0

  constructor(
    readonly key: string,
    readonly feedId: string,
    readonly endpointName: string,
    /** Added to every stored response when metrics are on; the same object each time. */
    readonly meta: AdapterResponseMeta | undefined,
    /** What the times in the values of its source tell about our clock; shared by all feeds of the source. */
    readonly witness: Witness,
    /** The name that an operator uses for it: the values of its parameters, in the order of the endpoint's definition. */
    readonly name: string,
  ) {}

  /** Its last value passed the guards. @param flags - what it is served in spite of */
  accepted(flags: readonly GuardReason[] | undefined): void {
    this.refusal = undefined
    this.flags = flags
    this.heldUntilMs = undefined
  }

  /** CA-3: its value had to go before its end, because others took all the room that there is. */
  lostItsValue(): void {
    if (this.rule?.withdrawal === undefined)
      this.refusal = goingOn(undefined, { code: 'CAPACITY', message: EVICTED })
  }

  /** What its guards remember of its values. */
  get memory(): GuardMemory {
    return (this.remembered ??= {})
  }

  /** Receipt time minus the provider's own time of the last value; 0 when the provider gives none. */
  get providerDeltaMs(): number {
    const { lastSetAt, indicated } = this
    return Number.isNaN(indicated) ? 0 : lastSetAt - indicated
  }

  /** When the last good value was written, and how long it could be served then. */
  get lastSet(): Written | undefined {
    if (!this.isLastGood) return this.lastGood
    const { lastSetAt: unixMs, lastSetMs: monotonicMs, lastSetEra: era, ttlMs: lifeMs, indicated } = this
    return { unixMs, monotonicMs, era, lifeMs, indicated }
  }

  /**
   * The age of its last good value, in ms: since it was written, and by the provider's own time if it gave one. Undefined where there was
   * none.
   */
  get lastAge(): { ms: number; byProviderMs: number | undefined } | undefined {
    const { lastSet } = this
    if (lastSet === undefined) return undefined
    const { unixMs, indicated } = lastSet
    const ms = ageMs(lastSet)
    return { ms, byProviderMs: Number.isNaN(indicated) ? undefined : ms + unixMs - indicated }
  }

  /** Why it has no value, as far as its last one tells: it was refused, or has expired. */
  get absence(): Reason | undefined {
    if (this.refusal !== undefined) return this.refusal
    const { lastSet } = this
    if (lastSet === undefined || ageMs(lastSet) < lastSet.lifeMs) return undefined
    const age = `it came ${secondsOf(ageMs(lastSet))} ago and was good for ${secondsOf(lastSet.lifeMs)}`
    const flagged = this.flags === undefined ? '' : `; it was flagged: ${this.flags.join(', ')}`
    const note = clockNote()
    const message = `The last value is stale: ${age}${flagged}${note}`
    const sinceUnixMs = Math.round(lastSet.unixMs + lastSet.lifeMs)
    return { code: 'STALE_VALUE', message, sinceUnixMs, ...(note !== '' && { class: 'clock' }) }
  }

  /** Called when one of its values has been written. */
  noteWrite(value: AdapterResponse, ttlMs: number, at: Instant): void {
    const isGood = value.errorMessage === undefined
    // Only then is an object made of it: one for each message would live as long as its feed.
    if (!isGood && this.isLastGood) this.lastGood = this.lastSet
    if (isGood) this.error = undefined
    this.isLastGood = isGood
    this.sets++
    this.lastSetAt = at.unixMs
    this.lastSetMs = at.monotonicMs
    this.lastSetEra = at.era
    this.ttlMs = ttlMs
    this.indicated = value.timestamps?.providerIndicatedTimeUnixMs ?? NaN
  }

  /** Whether it was asked for or written to since the last call. */
  wasUsed(): boolean {
    const touches = this.gets + this.misses + this.sets + this.refused
    const isNew = touches !== this.touchesAtLook
    this.touchesAtLook = touches
    return isNew
  }

  /**
   * Whether it was neither asked for nor written to for so many ms. Use is seen only at the calls of this method.
   *
   * @param now - by the monotonic clock, in ms
   */
  isUntouchedFor(ms: number, now: number): boolean {
    const touches = this.gets + this.misses + this.sets + this.refused
    if (touches !== this.touches) {
      this.touches = touches
      this.untouchedSinceMs = now
    }
    return now - this.untouchedSinceMs >= ms
  }
}
