import { type AdapterSettings } from '../config/settings'
import { LogLimiter } from '../util/log-limiter'
import { makeLogger } from '../util/logging'
import {
  type InputParameters,
  type InputParametersDefinition,
  type TypeFromDefinition,
} from '../validation/input-parameters'
import { CLOCK_TOLERANCE_MS } from '../validation/timestamps'
import { validator } from '../validation/validators'
import { type Cache } from './cache'
import { type Feed } from './feed'
import { FeedIndex } from './feed-index'
import { publishFeeds } from './feed-metrics'
import { type GuardOptions, type GuardReason, isFiniteValue, judge, lifetimeMs } from './guards'
import { calculateCacheKey } from './keys'
import { isPlainLocal, localLayerOf } from './local-cache'
import { Refusals } from './refusals'
import { type AdapterResponse, type ResponseGenerics, type TimestampedProviderResult } from './responses'
import { storedResponse } from './stored-response'
import { isAhead, isBeforeClocks } from './time'

const logger = makeLogger('ResponseCache')

export type CacheGenerics = { Parameters: InputParametersDefinition; Response: ResponseGenerics }
type Data = Record<string, unknown>

/** contract 8.4: warned of, and stored nevertheless. */
const isImplausible = (indicated: number, now: number): boolean =>
  !Number.isInteger(indicated) || isBeforeClocks(indicated) || isAhead(indicated, now, CLOCK_TOLERANCE_MS)

/** What transports write through, one for each endpoint (contract 8.4). */
export abstract class ResponseCache<T extends CacheGenerics> {
  cache: Cache<AdapterResponse<T['Response']>>
  inputParameters: InputParameters<T['Parameters']>
  adapterName: string
  endpointName: string
  adapterSettings: AdapterSettings
  dependencies: { cache: Cache }
  guards: GuardOptions | undefined

  private readonly indexes = new Map<string, FeedIndex>()
  /** Nearly always there is one transport only. */
  private lastName: string | undefined
  private lastIndex: FeedIndex | undefined
  private readonly refusals = new Map<string, Refusals>()
  private readonly isWanted = new Map<string, (key: string) => boolean>()
  private readonly timeWarnings = new LogLimiter()
  private stopPublishing: (() => void) | undefined

  constructor(of: {
    dependencies: { cache: Cache }
    adapterSettings: AdapterSettings
    adapterName: string
    endpointName: string
    inputParameters: InputParameters<T['Parameters']>
    guards?: GuardOptions
  }) {
    this.dependencies = of.dependencies
    this.cache = of.dependencies.cache as Cache<AdapterResponse<T['Response']>>
    this.inputParameters = of.inputParameters
    this.adapterName = of.adapterName
    this.endpointName = of.endpointName
    this.adapterSettings = of.adapterSettings
    this.guards = of.guards
  }

  /** True when {@link writeNow} stands for `write`: the cache is this process's memory and nobody replaced a method. */
  get isImmediate(): boolean {
    return false
  }

  /** Writes into the local cache before it returns. `now` is when the message arrived. */
  writeNow(_transportName: string, _results: TimestampedProviderResult<T>[], _now: number): void {
    throw new Error('Immediate writes need the local cache')
  }

  abstract write(transportName: string, results: TimestampedProviderResult<T>[]): Promise<void>
  abstract writeEntries(entries: { key: string; value: AdapterResponse<T['Response']> }[]): Promise<void>

  /** Gives the cached responses of these params a new TTL, in ms; never past the age their guards allow. */
  async writeTTL(
    transportName: string,
    params: TypeFromDefinition<T['Parameters']>[],
    ttl: number,
  ): Promise<void> {
    for (const one of params) {
      const { key } = this.feed(transportName, one)
      await this.cache.setTTL(key, await this.allowedTtl(key, ttl))
    }
  }

  async get(key: string): Promise<Readonly<AdapterResponse<T['Response']>> | undefined> {
    return this.cache.get(key)
  }

  getCacheKey(transportName: string, params: TypeFromDefinition<T['Parameters']>): string {
    return calculateCacheKey({
      data: params,
      adapterName: this.adapterName,
      endpointName: this.endpointName,
      adapterSettings: this.adapterSettings,
      transportName,
    })
  }

  /** The feed of these params: where requests and messages meet. */
  feed(transportName: string, params: Data): Feed {
    if (transportName !== this.lastName) {
      let index = this.indexes.get(transportName)
      if (index === undefined) this.indexes.set(transportName, (index = this.createIndex(transportName)))
      this.lastName = transportName
      this.lastIndex = index
    }
    return (this.lastIndex as FeedIndex).find(params)
  }

  /** Lets `onlyWanted` guards ask the transport's subscriptions whether somebody wants a feed. */
  setWanted(transportName: string, isWanted: (key: string) => boolean): void {
    this.isWanted.set(transportName, isWanted)
  }

  /** Counters of what a transport of this endpoint refused. */
  refusalsOf(transportName: string): Refusals {
    let refusals = this.refusals.get(transportName)
    if (refusals === undefined) {
      refusals = new Refusals(this.adapterName, this.endpointName, transportName)
      this.refusals.set(transportName, refusals)
    }
    return refusals
  }

  /** Takes this cache's series out of the metrics. */
  stop(): void {
    this.stopPublishing?.()
    this.stopPublishing = () => {}
    for (const refusals of this.refusals.values()) refusals.stop()
  }

  protected generateCacheEntry(
    transportNameForMeta: string,
    transportNameForCache: string,
    result: TimestampedProviderResult<T>,
  ): { readonly key: string; readonly value: AdapterResponse<T['Response']> } {
    const feed = this.feed(transportNameForCache, result.params)
    const value = this.toResponse(feed, result, Date.now())
    if (transportNameForMeta === transportNameForCache || value.meta === undefined)
      return { key: feed.key, value }
    return {
      key: feed.key,
      value: { ...value, meta: { ...value.meta, transportName: transportNameForMeta } },
    }
  }

  protected toResponse(
    feed: Feed,
    { response }: TimestampedProviderResult<T>,
    now: number,
  ): AdapterResponse<T['Response']> {
    const isError = response.errorMessage !== undefined
    if (!isError && response.data === undefined) logger.warn('The response has no "data"')
    else if (!isError && response.result === undefined) logger.warn('The response has no "result"')
    const indicated = response.timestamps?.providerIndicatedTimeUnixMs
    if (indicated !== undefined && isImplausible(indicated, now)) this.warnOfTime(indicated)
    return storedResponse<T['Response']>(response, feed.meta)
  }

  /** Guards every result by itself: one bad element never loses its neighbours. */
  protected accept(
    transportName: string,
    feed: Feed,
    value: AdapterResponse<T['Response']>,
    now: number,
  ): boolean {
    if (value.errorMessage !== undefined) return true
    const reason = this.refuse(transportName, feed, value, now)
    if (reason === undefined) {
      feed.refusal = undefined
      if (this.guards !== undefined) this.noteAccepted(transportName, feed, value)
      return true
    }
    // Known for as long as the feed is, which metrics would else forget as unused.
    feed.lastUsedAt = now
    feed.refusal = {
      reason,
      message: `The last value was refused: ${reason}`,
      sinceUnixMs: feed.refusal?.sinceUnixMs ?? now,
    }
    this.refusalsOf(transportName).add(reason, () => ({
      feed: feed.feedId,
      result: value.result,
      timestamps: value.timestamps,
    }))
    return false
  }

  protected recordWrite(feed: Feed, value: AdapterResponse, ttlMs: number, now: number): void {
    feed.sets++
    feed.lastSetAt = now
    feed.ttlMs = ttlMs
    const indicated = value.timestamps?.providerIndicatedTimeUnixMs
    feed.providerDeltaMs = indicated === undefined ? 0 : now - indicated
  }

  private refuse(
    transportName: string,
    feed: Feed,
    value: AdapterResponse<T['Response']>,
    now: number,
  ): GuardReason | undefined {
    if (!isFiniteValue(value)) return 'not-finite'
    const { guards } = this
    if (guards === undefined) return undefined
    if (guards.onlyWanted !== false && this.isWanted.get(transportName)?.(feed.key) === false)
      return 'unwanted'
    const { served, acceptedAsOf } = this.lastAccepted(transportName, feed)
    return judge(value, served, acceptedAsOf, now, guards)
  }

  /** What a new value must not be older than: what is served now, and what was accepted last. */
  protected lastAccepted(
    _transportName: string,
    feed: Feed,
  ): { served: AdapterResponse | undefined; acceptedAsOf: number | undefined } {
    const served = localLayerOf(this.cache)?.read(feed.key)?.value
    return { served, acceptedAsOf: feed.acceptedAsOf }
  }

  protected noteAccepted(_transportName: string, feed: Feed, value: AdapterResponse): void {
    feed.acceptedAsOf = value.timestamps.providerIndicatedTimeUnixMs ?? feed.acceptedAsOf
  }

  protected async allowedTtl(key: string, ttl: number): Promise<number> {
    if (this.guards?.maxAgeMs === undefined) return ttl
    const served = await this.cache.get(key)
    return served === undefined ? ttl : lifetimeMs(served, ttl, Date.now(), this.guards)
  }

  private warnOfTime(indicated: number): void {
    this.timeWarnings.run(this.endpointName, (repeated) => {
      const problem = validator.responseTimestamp().fn(indicated)
      logger.warn({ repeated }, `Provider indicated time is invalid: ${problem}`)
    })
  }

  private createIndex(transportName: string): FeedIndex {
    // Not before there are feeds of its own: a cache that wraps another leaves the counting to that one.
    this.stopPublishing ??= publishFeeds(this.adapterName, this.cache, () => this.indexes.values())
    const settings = this.adapterSettings
    return new FeedIndex(
      {
        adapterName: this.adapterName,
        endpointName: this.endpointName,
        transportName,
        settings,
        withMeta: settings.METRICS_ENABLED && settings.EXPERIMENTAL_METRICS_ENABLED,
      },
      Object.keys(this.inputParameters.definition),
    )
  }
}

/** The response cache of an endpoint: what a transport writes is what is served. */
export class SimpleResponseCache<T extends CacheGenerics> extends ResponseCache<T> {
  override get isImmediate(): boolean {
    const { prototype } = SimpleResponseCache
    return (
      this.write === prototype.write &&
      this.writeEntries === prototype.writeEntries &&
      isPlainLocal(this.cache)
    )
  }

  override writeNow(transportName: string, results: TimestampedProviderResult<T>[], now: number): void {
    const { cache } = this
    if (!isPlainLocal(cache)) throw new Error('Immediate writes need the local cache')
    const ttl = this.adapterSettings.CACHE_MAX_AGE
    for (const result of results) {
      const feed = this.feed(transportName, result.params)
      const value = this.toResponse(feed, result, now)
      if (!this.accept(transportName, feed, value, now)) continue
      const lifetime = lifetimeMs(value, ttl, now, this.guards)
      if (cache.store(feed.key, value, lifetime, now, feed)) this.recordWrite(feed, value, lifetime, now)
    }
  }

  async write(transportName: string, results: TimestampedProviderResult<T>[]): Promise<void> {
    const now = Date.now()
    if (this.isImmediate) return this.writeNow(transportName, results, now)
    const ttl = this.adapterSettings.CACHE_MAX_AGE
    const byLifetime = new Map<number, { key: string; value: AdapterResponse<T['Response']> }[]>()
    for (const result of results) {
      const feed = this.feed(transportName, result.params)
      const entry = this.generateCacheEntry(transportName, transportName, result)
      if (!this.accept(transportName, feed, entry.value, now)) continue
      const lifetime = lifetimeMs(entry.value, ttl, now, this.guards)
      const entries = byLifetime.get(lifetime)
      if (entries === undefined) byLifetime.set(lifetime, [entry])
      else entries.push(entry)
      this.recordWrite(feed, entry.value, lifetime, now)
    }
    for (const [lifetime, entries] of byLifetime) await this.writeEntries(entries, lifetime)
  }

  /** @param ttl - in ms; `CACHE_MAX_AGE` by default, less where guards ask for it */
  async writeEntries(
    entries: { key: string; value: AdapterResponse<T['Response']> }[],
    ttl = this.adapterSettings.CACHE_MAX_AGE,
  ): Promise<void> {
    await this.cache.setMany(entries, ttl)
  }
}
