import { type Instant, instant } from '../util/clock'
import { goingOn } from '../validation/reason'
import { type Admission, type Decision, type Offer } from './admission'
import { Batch } from './batch'
import { type Cache } from './cache'
import { reasonBeside, reasonIn } from './error-reason'
import { type Feed } from './feed'
import { type Judging } from './judging'
import { type LocalCache } from './local-cache'
import { type Refusals } from './refusals'
import { type AdapterResponse } from './responses'

/** The response cache whose values are admitted. */
interface Owner<R> {
  readonly cache: Cache<R>
  readonly adapterSettings: { readonly CACHE_MAX_AGE: number }
  get(key: string): Promise<Readonly<R> | undefined>
  refusalsOf(transportName: string): Refusals
}

/** Stores admitted entries. Without a TTL it is `CACHE_MAX_AGE`. */
type Store<R> = (entries: { key: string; value: R }[], ttlMs?: number) => Promise<void>

/** Writes a value into the local cache. An error that is not stored, because a live value is there, is remembered on the feed. */
export const keep = <R extends AdapterResponse>(
  cache: LocalCache<R>,
  feed: Feed,
  value: R,
  ttlMs: number,
  at: Instant,
): void => {
  if (cache.store(feed.key, value, ttlMs, at, feed)) feed.noteWrite(value, ttlMs, at)
  else feed.refusal = goingOn(feed.refusal, reasonBeside(value) ?? reasonIn(value), at.unixMs)
}

/** Asks an admission about values that have passed the guards, and stores those that it lets in. Without an admission all are stored. */
export class Admitting<R extends AdapterResponse> {
  /** Ends when the writes end that were begun before, where the admission takes turns. */
  private turn: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly of: Owner<R>,
    private readonly judging: Judging,
    private readonly store: Store<R>,
  ) {}

  /** One value, into the local cache before this returns. */
  admitNow(
    admission: Admission<R>,
    cache: LocalCache<R>,
    transportName: string,
    feed: Feed,
    value: R,
    ttlMs: number,
    at: Instant,
  ): void {
    const { key } = feed
    const offer = { key, value, ttlMs, feed }
    const current = cache.read(key, feed, at)?.value
    const decision = this.decide(admission, transportName, offer, current, at, true)
    if (decision === undefined) return
    if (decision.value === undefined) void cache.setTTL(key, decision.ttlMs)
    else keep(cache, feed, decision.value, decision.ttlMs, at)
  }

  /** All values of one write, into any cache, together. */
  admitAll(admission: Admission<R> | undefined, transportName: string, offers: Offer<R>[]): Promise<void> {
    if (admission?.takesTurns !== true) return this.admitNext(admission, transportName, offers)
    const done = this.turn.then(() => this.admitNext(admission, transportName, offers))
    this.turn = done.catch(() => {})
    return done
  }

  private async admitNext(
    admission: Admission<R> | undefined,
    transportName: string,
    offers: Offer<R>[],
  ): Promise<void> {
    const current = new Map<string, R | undefined>()
    if (admission !== undefined) {
      const keys = [...new Set(offers.map(({ key }) => key))]
      const cached = await Promise.all(keys.map((key) => this.of.get(key)))
      keys.forEach((key, at) => current.set(key, cached[at]))
    }
    const batch = this.decideAll(admission, transportName, offers, current)
    await this.send(batch, admission !== undefined)
  }

  /** @param current - what is cached, by key; afterwards what will be */
  private decideAll(
    admission: Admission<R> | undefined,
    transportName: string,
    offers: Offer<R>[],
    current: Map<string, R | undefined>,
  ): Batch<R> {
    const at = instant()
    const batch = new Batch<R>()
    for (const offer of offers) {
      const { key, feed } = offer
      if (feed !== undefined && this.judging.isOutOfLimits(feed, offer.value, at)) continue
      const decision =
        admission === undefined
          ? offer
          : this.decide(admission, transportName, offer, current.get(key), at, false)
      if (decision === undefined) continue
      batch.add(key, decision)
      const { value, ttlMs } = decision
      if (value === undefined) continue
      current.set(key, value)
      feed?.noteWrite(value, ttlMs, at)
    }
    return batch
  }

  /** Sends everything before it waits for any of it: what was decided together reaches the cache together. */
  private send(batch: Batch<R>, onlyLast: boolean): Promise<unknown> {
    const usual = this.of.adapterSettings.CACHE_MAX_AGE
    const stored = [...batch.byTtl(onlyLast)].map(([ttlMs, entries]) =>
      ttlMs === usual ? this.store(entries) : this.store(entries, ttlMs),
    )
    const extended = [...batch.extensions].map(([key, ttlMs]) => this.of.cache.setTTL(key, ttlMs))
    return Promise.all([...stored, ...extended])
  }

  /** IS-1: where an author's rule throws, only the response is lost that it was asked about. */
  private decide(
    admission: Admission<R>,
    transportName: string,
    offer: Offer<R>,
    current: R | undefined,
    at: Instant,
    isAtOnce: boolean,
  ): Decision<R> | undefined {
    try {
      return admission.admit(offer, current, at, isAtOnce)
    } catch (error) {
      const refusals = this.of.refusalsOf(transportName)
      refusals.add('handler-failed', () => 'a comparison with the cached response', error)
      return undefined
    }
  }
}
