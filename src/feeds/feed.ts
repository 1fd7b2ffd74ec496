import { type Reason } from '../validation/reason'
import { type Place } from './local-cache'
import { type AdapterResponse, type AdapterResponseMeta } from './responses'
import { ageMs, clockNote, type Instant, secondsOf, type Witness } from '../util/clock'
import { type GuardMemory, type GuardReason } from './guards'
import { type FeedRule } from './limits/feed-rule'
import { NumberRows } from '../util/number-row'

type Data = Record<string, unknown>

/** When a value was written, how long it could be served from then on, and the provider's own time of it, NaN where it gave none. */
type Written = Instant & { lifeMs: number; indicated: number }

/** Where each number of a feed is in its row. */
const LAST_HIT_AT = 0
const LAST_SET_AT = 1
const LAST_SET_MS = 2
const TTL = 3
const INDICATED = 4
const ACCEPTED_AS_OF = 5
const UNTOUCHED_SINCE = 6
const TOUCHES = 7

const rows = new NumberRows(8)

/** What few feeds ever have: apart from the rest, so that the others spend no memory on it. */
interface Oddities {
  refusal: Reason | undefined
  flags: readonly GuardReason[] | undefined
  heldUntilMs: number | undefined
  lastGood: Written | undefined
  otherSpellings: readonly Data[] | undefined
}

const NOTHING_ODD: Oddities = {
  refusal: undefined,
  flags: undefined,
  heldUntilMs: undefined,
  lastGood: undefined,
  otherSpellings: undefined,
}

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
  /** How many values were written. */
  sets = 0
  /** How many of its values were refused. */
  refused = 0
  private isLastGood = false
  /** The operator's limits for this feed, if there are any: looked up when the feed is made, and whenever the limits change. */
  rule: FeedRule | undefined = undefined
  private remembered: GuardMemory | undefined = undefined
  /** The params by which a client asked for it first, where letter case does not count. */
  askedAs: Data | undefined = undefined
  private oddities: Oddities | undefined = undefined
  /** Its entry in the local cache, see {@link Place}. */
  node: Place<never>['node'] = undefined
  /** True once the index has removed this object: code that still has it must look the feed up again. */
  isForgotten = false
  private readonly page: Float64Array
  private readonly at: number

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
  ) {
    const { page, at } = rows.take()
    this.page = page
    this.at = at
    page[at + INDICATED] = page[at + ACCEPTED_AS_OF] = NaN
    page[at + TOUCHES] = -1
  }

  get lastHitAt(): number {
    return this.page[this.at + LAST_HIT_AT]!
  }

  set lastHitAt(unixMs: number) {
    this.page[this.at + LAST_HIT_AT] = unixMs
  }

  /** When the last value was written, in Unix ms. */
  get lastSetAt(): number {
    return this.page[this.at + LAST_SET_AT]!
  }

  /** How long the last value may live, in ms. */
  get ttlMs(): number {
    return this.page[this.at + TTL]!
  }

  /** The provider's own time of the last value that passed the guards; NaN where none had one. */
  get acceptedAsOf(): number {
    return this.page[this.at + ACCEPTED_AS_OF]!
  }

  set acceptedAsOf(unixMs: number) {
    this.page[this.at + ACCEPTED_AS_OF] = unixMs
  }

  /** Why its last value was refused; undefined after a value was accepted. */
  get refusal(): Reason | undefined {
    return this.oddities?.refusal
  }

  set refusal(refusal: Reason | undefined) {
    this.odd({ refusal })
  }

  /** What its last value was served in spite of, where a guard's policy is to flag. */
  get flags(): readonly GuardReason[] | undefined {
    return this.oddities?.flags
  }

  /** When its last good value ends at the latest, by the monotonic clock, where a guard holds a newer one back. */
  get heldUntilMs(): number | undefined {
    return this.oddities?.heldUntilMs
  }

  set heldUntilMs(heldUntilMs: number | undefined) {
    this.odd({ heldUntilMs })
  }

  /** The params of later requests with other spellings than {@link askedAs}. */
  get otherSpellings(): readonly Data[] | undefined {
    return this.oddities?.otherSpellings
  }

  set otherSpellings(otherSpellings: readonly Data[] | undefined) {
    this.odd({ otherSpellings })
  }

  /** Its last value passed the guards. @param flags - what it is served in spite of */
  accepted(flags: readonly GuardReason[] | undefined): void {
    if (this.oddities === undefined && flags === undefined) return
    this.odd({ refusal: undefined, flags, heldUntilMs: undefined })
  }

  private odd(some: Partial<Oddities>): void {
    const { refusal, flags, heldUntilMs, lastGood, otherSpellings } = this.oddities ?? NOTHING_ODD
    this.oddities = { refusal, flags, heldUntilMs, lastGood, otherSpellings, ...some }
  }

  private get indicated(): number {
    return this.page[this.at + INDICATED]!
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
    if (!this.isLastGood) return this.oddities?.lastGood
    const { lastSetAt: unixMs, ttlMs: lifeMs, indicated, page, at } = this
    return { unixMs, monotonicMs: page[at + LAST_SET_MS]!, lifeMs, indicated }
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
    if (!isGood && this.isLastGood) this.odd({ lastGood: this.lastSet })
    this.isLastGood = isGood
    this.sets++
    const { page, at: row } = this
    page[row + LAST_SET_AT] = at.unixMs
    page[row + LAST_SET_MS] = at.monotonicMs
    page[row + TTL] = ttlMs
    page[row + INDICATED] = value.timestamps?.providerIndicatedTimeUnixMs ?? NaN
  }

  /**
   * Whether it was neither asked for nor written to for so many ms. Use is seen only at the calls of this method.
   *
   * @param now - by the monotonic clock, in ms
   */
  isUntouchedFor(ms: number, now: number): boolean {
    const touches = this.gets + this.misses + this.sets + this.refused
    const { page, at } = this
    if (touches !== page[at + TOUCHES]) {
      page[at + TOUCHES] = touches
      page[at + UNTOUCHED_SINCE] = now
    }
    return now - page[at + UNTOUCHED_SINCE]! >= ms
  }
}
