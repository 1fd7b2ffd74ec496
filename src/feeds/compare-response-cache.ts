import { type TypeFromDefinition } from '../validation/input-parameters'
import { type Feed } from './feed'
import { lifetimeMs } from './guards'
import { isLocalReader, isPlainLocal } from './local-cache'
import { type Refusals } from './refusals'
import { type CacheGenerics, ResponseCache } from './response-cache'
import { type AdapterResponse, type TimestampedProviderResult } from './responses'

/** Whether a response takes the place of the one that is cached now, if there is one. */
export type ShouldUpdate<T extends CacheGenerics> = (
  next: AdapterResponse<T['Response']>,
  current?: AdapterResponse<T['Response']>,
) => boolean

type Response<T extends CacheGenerics> = AdapterResponse<T['Response']>
type Entry<T extends CacheGenerics> = { key: string; value: Response<T> }

/** A response that wants to be stored. */
export interface Offer<T extends CacheGenerics> extends Entry<T> {
  /** Absent where only the key is known. */
  feed: Feed | undefined
  ttlMs: number
}

/** What to do about an offer: store a value, or (without one) give what is stored another TTL. */
export interface Decision<T extends CacheGenerics> {
  value: Response<T> | undefined
  ttlMs: number
}

/**
 * Stands in front of an endpoint's response cache and lets through what `shouldUpdate` says (contract 8.6). Every child's responses go
 * under this cache's one transport name; `meta.transportName` says whose they are. Into the local cache it writes before `write`
 * returns; with any other, one comparison waits for the end of the last, so that none works on what is about to change.
 */
export class CompareResponseCache<T extends CacheGenerics> extends ResponseCache<T> {
  private turn: Promise<unknown> = Promise.resolve()

  constructor(
    readonly transportName: string,
    public responseCache: ResponseCache<T>,
    readonly shouldUpdate: ShouldUpdate<T>,
  ) {
    super(responseCache)
  }

  override get isImmediate(): boolean {
    const { prototype } = CompareResponseCache
    const { responseCache: inner } = this
    return (
      this.write === prototype.write &&
      this.writeEntries === prototype.writeEntries &&
      this.get === prototype.get &&
      inner.isImmediate === true &&
      !(inner instanceof CompareResponseCache) &&
      inner.get === ResponseCache.prototype.get &&
      isLocalReader(this.cache)
    )
  }

  override writeNow(child: string, results: TimestampedProviderResult<T>[], now: number): void {
    const { cache } = this
    if (!isPlainLocal(cache)) throw new Error('Immediate writes need the local cache')
    for (const offer of this.offersOf(child, results, now)) {
      const { key, feed } = offer
      const decision = this.decided(child, offer, cache.read(key)?.value, now)
      if (decision === undefined) continue
      const { value, ttlMs } = decision
      if (value === undefined) void cache.setTTL(key, ttlMs)
      else if (cache.store(key, value, ttlMs, now) && feed !== undefined)
        this.recordWrite(feed, value, ttlMs, now)
    }
  }

  async write(child: string, results: TimestampedProviderResult<T>[]): Promise<void> {
    const now = Date.now()
    if (this.isImmediate) return this.writeNow(child, results, now)
    const offers = [...this.offersOf(child, results, now)]
    await this.inTurn(() => this.compareAndWrite(child, offers))
  }

  async writeEntries(entries: Entry<T>[]): Promise<void> {
    const ttlMs = this.adapterSettings.CACHE_MAX_AGE
    const offers = entries.map(({ key, value }) => ({ key, value, feed: undefined, ttlMs }))
    await this.inTurn(() => this.compareAndWrite(this.transportName, offers))
  }

  /** Of the one entry that there is for these params, whatever the name given. */
  override async writeTTL(
    _transportName: string,
    params: TypeFromDefinition<T['Parameters']>[],
    ttl: number,
  ): Promise<void> {
    await this.responseCache.writeTTL(this.transportName, params, ttl)
  }

  override async get(key: string): Promise<Readonly<Response<T>> | undefined> {
    return this.responseCache.get(key)
  }

  /** Under which key responses to these params are, whatever the name given. */
  override getCacheKey(_transportName: string, params: TypeFromDefinition<T['Parameters']>): string {
    return super.getCacheKey(this.transportName, params)
  }

  /** The feed that requests know as well: of the cache behind this one. */
  override feed(_transportName: string, params: Record<string, unknown>): Feed {
    const { innermost } = this
    return 'feed' in innermost
      ? innermost.feed(this.transportName, params)
      : super.feed(this.transportName, params)
  }

  override refusalsOf(child: string): Refusals {
    const { innermost } = this
    return 'refusalsOf' in innermost ? innermost.refusalsOf(child) : super.refusalsOf(child)
  }

  /** Where the feeds are: the cache behind this one, and behind any of this kind. */
  private get innermost(): ResponseCache<T> {
    const { responseCache: inner } = this
    return inner instanceof CompareResponseCache ? (inner as CompareResponseCache<T>).innermost : inner
  }

  /** What to do about an offer, given what is cached; undefined leaves everything as it is. */
  protected decide(
    _child: string,
    { value, ttlMs }: Offer<T>,
    current: Response<T> | undefined,
    _now: number,
  ): Decision<T> | undefined {
    return this.shouldUpdate(value, current) ? { value, ttlMs } : undefined
  }

  /** Runs when all earlier work has ended. */
  protected inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work)
    this.turn = done.catch(() => {})
    return done
  }

  private *offersOf(
    child: string,
    results: TimestampedProviderResult<T>[],
    now: number,
  ): Generator<Offer<T>> {
    const ttl = this.adapterSettings.CACHE_MAX_AGE
    for (const result of results) {
      const feed = this.feed(child, result.params)
      const { key, value } = this.generateCacheEntry(child, this.transportName, result)
      if (!this.accept(child, feed, value, now)) continue
      const isError = value.errorMessage !== undefined
      yield { key, value, feed, ttlMs: isError ? ttl : lifetimeMs(value, ttl, now, this.guards) }
    }
  }

  /** IS-1: an author's rule that throws costs the response that it threw at. */
  private decided(
    child: string,
    offer: Offer<T>,
    current: Response<T> | undefined,
    now: number,
  ): Decision<T> | undefined {
    try {
      return this.decide(child, offer, current, now)
    } catch (error) {
      this.refusalsOf(child).add('handler-failed', () => 'a comparison with the cached response', error)
      return undefined
    }
  }

  private async compareAndWrite(child: string, offers: Offer<T>[]): Promise<void> {
    const keys = [...new Set(offers.map(({ key }) => key))]
    const cached = await Promise.all(keys.map((key) => this.get(key)))
    const current = new Map(keys.map((key, at) => [key, cached[at]]))
    const now = Date.now()
    const stores = new Map<string, Decision<T> & { value: Response<T> }>()
    const extensions = new Map<string, number>()
    for (const offer of offers) {
      const { key, feed } = offer
      const decision = this.decided(child, offer, current.get(key), now)
      if (decision === undefined) continue
      const { value, ttlMs } = decision
      if (value === undefined) {
        extensions.set(key, ttlMs)
        continue
      }
      current.set(key, value)
      stores.set(key, { value, ttlMs })
      extensions.delete(key)
      if (feed !== undefined) this.recordWrite(feed, value, ttlMs, now)
    }
    // All are sent before any is waited for: what was decided together reaches the cache together.
    const written = this.send(stores)
    const extended = [...extensions].map(([key, ttlMs]) => this.cache.setTTL(key, ttlMs))
    await Promise.all([...written, ...extended])
  }

  private send(stores: Map<string, Decision<T> & { value: Response<T> }>): Promise<void>[] {
    const byTtl = new Map<number, Entry<T>[]>()
    for (const [key, { value, ttlMs }] of stores) {
      const entries = byTtl.get(ttlMs)
      if (entries === undefined) byTtl.set(ttlMs, [{ key, value }])
      else entries.push({ key, value })
    }
    const inner = this.responseCache as ResponseCache<T> & {
      writeEntries(entries: Entry<T>[], ttl?: number): Promise<void>
    }
    return [...byTtl].map(([ttlMs, entries]) =>
      ttlMs === this.adapterSettings.CACHE_MAX_AGE
        ? inner.writeEntries(entries)
        : inner.writeEntries(entries, ttlMs),
    )
  }
}
