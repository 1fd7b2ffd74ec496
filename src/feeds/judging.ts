import { clockNote, type Instant, instant, monotonicMs } from '../util/clock'
import { memberOf } from '../util/objects'
import { goingOn, type Reason } from '../validation/reason'
import { type Admission } from './admission'
import { type Cache } from './cache'
import { type Feed } from './feed'
import { type GuardReason, type Standard } from './guards'
import { type Inspector, receiptOf, type Refusal } from './inspector'
import { localLayerOf } from './local-cache'
import { type Refusals } from './refusals'
import { type AdapterResponse } from './responses'

/** Whose values are judged: where they are counted, and where what is served now is found. */
interface Judged {
  readonly cache: Cache<AdapterResponse>
  refusalsOf(transportName: string): Refusals
  reportsOf(transportName: string): Refusals
}

/** Refusals for which our own clock may be to blame, where it was set. */
const ABOUT_TIME: ReadonlySet<GuardReason> = new Set(['too-old', 'future', 'backwards'])
const CLOCK = { class: 'clock' } as const

const UNWANTED = { reason: 'unwanted', text: 'The last value was refused: unwanted' } as const

const NONE: Standard = { served: undefined, acceptedAsOf: undefined }

const detailOf = (feed: Feed, { result, timestamps }: AdapterResponse) => ({
  feed: feed.feedId,
  result,
  timestamps,
})

/** Decides whether a value may be served, and keeps on the feed and in the counters what was decided. */
export class Judging {
  /** Why values that other processes wrote were not served. A later one may be. */
  private readonly staleLoads = new WeakSet<Reason>()
  private readonly isWanted = new Map<string, (key: string) => boolean>()

  constructor(
    private readonly of: Judged,
    private readonly inspector: Inspector,
  ) {}

  setWanted(transportName: string, isWanted: (key: string) => boolean): void {
    this.isWanted.set(transportName, isWanted)
  }

  /**
   * Every value is judged by itself, so that a bad one does not cost the others of its message.
   *
   * @param admission - of the cache that the value is for, if it has one
   */
  accept(
    transportName: string,
    feed: Feed,
    value: AdapterResponse,
    at: Instant,
    admission: Admission | undefined,
  ): boolean {
    if (value.errorMessage !== undefined) return feed.rule?.withdrawal === undefined
    if (this.inspector.isForWantedOnly && this.isWanted.get(transportName)?.(feed.key) === false) {
      this.noteRefused(transportName, feed, value, UNWANTED, at)
      return false
    }
    const standard = this.inspector.compares(feed, value) ? this.standardOf(feed, at, admission) : NONE
    const finding = this.inspector.inspect(feed, value, standard, at)
    if (finding !== undefined) {
      if (!finding.isServed) {
        this.noteRefused(transportName, feed, value, finding, at)
        return false
      }
      for (const reason of finding.reasons)
        this.of.reportsOf(transportName).add(reason, () => detailOf(feed, value))
    }
    feed.accepted(finding?.flags)
    noteAccepted(feed, value, admission)
    return true
  }

  /** Whether an accepted value has to be refused after all: it had to wait, and the limits may have changed since. */
  isOutOfLimits(feed: Feed, value: AdapterResponse, at: Instant): boolean {
    if (feed.rule === undefined) return false
    if (value.errorMessage !== undefined) return feed.rule.withdrawal !== undefined
    return this.inspector.reconsider(feed, value, at) !== undefined
  }

  /** How much of a new TTL the value that is served now may have, in ms. */
  async allowedTtl(feed: Feed, ttlMs: number): Promise<number> {
    const { heldUntilMs = Infinity } = feed
    const ttl = Math.min(ttlMs, heldUntilMs - monotonicMs())
    if (this.inspector.freshnessOf(feed) === undefined) return ttl
    const served = await this.of.cache.get(feed.key)
    // What was too old to be loaded is still in the store.
    if (served === undefined) return this.isStaleLoad(feed) ? 0 : ttl
    return this.inspector.extensionMs(feed, served, ttl, receiptOf(feed, served))
  }

  /** FR-6: how much longer a value that another process wrote may be served, by its own times, in ms; 0: it is too old already. */
  allowedAtLoad(feed: Feed, value: AdapterResponse): number {
    if (value.errorMessage !== undefined || memberOf(value, 'timestamps') == null) return Infinity
    const at = instant()
    const stale = this.inspector.staleness(feed, value, at)
    if (stale !== undefined) {
      const refusal = goingOn(feed.refusal, { code: 'STALE_VALUE', message: stale.text }, at.unixMs)
      this.staleLoads.add(refusal)
      feed.refusal = refusal
      return 0
    }
    if (this.isStaleLoad(feed)) feed.refusal = undefined
    return this.inspector.lifetimeMs(feed, value, Infinity, at)
  }

  private isStaleLoad({ refusal }: Feed): boolean {
    return refusal !== undefined && this.staleLoads.has(refusal)
  }

  private noteRefused(
    transportName: string,
    feed: Feed,
    value: AdapterResponse,
    { reason, text: message }: Pick<Refusal, 'reason' | 'text'>,
    at: Instant,
  ): void {
    // Otherwise the metrics would forget a feed as unused whose values are all refused.
    feed.refused++
    const code = reason === 'too-old' ? 'STALE_VALUE' : 'REFUSED_VALUE'
    const isOurClock = ABOUT_TIME.has(reason) && clockNote() !== ''
    feed.refusal = goingOn(feed.refusal, { code, message, ...(isOurClock && CLOCK) }, at.unixMs)
    this.of.refusalsOf(transportName).add(reason, () => detailOf(feed, value))
    const holdMs = this.inspector.holdMs(feed, reason)
    if (holdMs !== undefined) this.hold(feed, holdMs, at)
  }

  /** Lets the last good value end earlier, here and where other processes read it; no confirmation of it takes that back. */
  private hold(feed: Feed, ms: number, { monotonicMs: now }: Instant): void {
    const { cache } = this.of
    feed.heldUntilMs = Math.min(feed.heldUntilMs ?? Infinity, now + ms)
    const layer = localLayerOf(cache)
    // A cache that cannot tell the others says so itself.
    if (layer?.shorten(feed.key, ms) === true && layer !== cache) void cache.setTTL(feed.key, ms)
  }

  private standardOf(feed: Feed, at: Instant, admission: Admission | undefined): Standard {
    const last = admission?.lastAccepted?.(feed, at)
    if (last !== undefined) return last
    return {
      served: localLayerOf(this.of.cache)?.read(feed.key, feed, at)?.value,
      acceptedAsOf: feed.acceptedAsOf,
    }
  }
}

const noteAccepted = (feed: Feed, value: AdapterResponse, admission: Admission | undefined): void => {
  if (admission?.noteAccepted !== undefined) return admission.noteAccepted(feed, value)
  const indicated = value.timestamps?.providerIndicatedTimeUnixMs
  if (indicated !== undefined) feed.acceptedAsOf = indicated
}
