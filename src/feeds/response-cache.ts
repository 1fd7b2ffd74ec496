import { type AdapterSettings } from '../config/settings'
import {
  type InputParameters,
  type InputParametersDefinition,
  type TypeFromDefinition,
} from '../validation/input-parameters'
import { type Admission, type Offer } from './admission'
import { Admitting, keep } from './admitting'
import { type Instant, instant } from '../util/clock'
import { type Cache } from './cache'
import { EndpointFeeds } from './endpoint-feeds'
import { type ReasonSwitch, withReason } from './error-reason'
import { type Feed } from './feed'
import { FeedRooms } from './feed-rooms'
import { type Freshness } from './freshness'
import { type GuardOptions } from './guards'
import { type Inspection, Inspector } from './inspector'
import { Judging } from './judging'
import { calculateCacheKey } from './keys'
import { type FeedLimits } from './limits/feed-limits'
import { isResponse, type LoadJudge, ON_LOAD } from './load-judge'
import { isPlainLocal, LocalCache } from './local-cache'
import { type Refusals, RefusalsByTransport } from './refusals'
import { type ResultValidator, validateResults } from './result-validation'
import { ResponseWarnings } from './response-warnings'
import { type AdapterResponse, type ResponseGenerics, type TimestampedProviderResult } from './responses'
import { Spellings } from './spellings'
import { belongsTo } from '../util/line-owner'
import { asyncLocalStorage } from '../util/logging'
import { OwnedStore } from '../util/owner'
import { storedResponse } from './stored-response'

export type CacheGenerics = { Parameters: InputParametersDefinition; Response: ResponseGenerics }
type Data = Record<string, unknown>

export type Entry<T extends CacheGenerics> = { key: string; value: AdapterResponse<T['Response']> }

/** Through this transports write the values of an endpoint (contract 8.4). Each endpoint has one. */
export abstract class ResponseCache<T extends CacheGenerics> {
  cache: Cache<AdapterResponse<T['Response']>>
  inputParameters: InputParameters<T['Parameters']>
  adapterName: string
  endpointName: string
  adapterSettings: AdapterSettings
  dependencies: { cache: Cache }
  guards: GuardOptions | undefined
  freshness: Freshness | undefined
  fields: readonly string[] | undefined
  /** Whether params that differ only in letter case are different feeds, as the endpoint declares. */
  caseSensitive: boolean
  /** The operator's limits for single feeds, if there are any. */
  limits: FeedLimits | undefined
  /** What may be known of feeds, in bytes. */
  readonly rooms: FeedRooms
  aliases: readonly string[] | undefined
  /** Whether the errors that are written here get a reason. */
  readonly reasons: ReasonSwitch
  /** Each is called with the key of a feed whose limits have changed, and must forget what it remembers of the feed's values. */
  readonly onMoved = new Set<(key: string) => void>()
  /** Checks or replaces every result before it is written. The endpoint's `initialize` sets it (contract 18.2). */
  resultValidator: ResultValidator<T> | undefined

  /** Decides which accepted values are stored. Default: all are. */
  protected readonly admission: Admission<AdapterResponse<T['Response']>> | undefined = undefined

  private readonly inspector: Inspector
  private readonly endpointFeeds: EndpointFeeds
  private readonly judging: Judging
  private readonly admitting: Admitting<AdapterResponse<T['Response']>>
  private readonly refusals = new RefusalsByTransport(this, 'dataRefused')
  private readonly reports = new RefusalsByTransport(this, 'dataReported')
  private readonly warnings = new ResponseWarnings(this)
  private readonly spellings = new Spellings(this)
  private heedsGivenUp = false

  constructor(of: {
    dependencies: { cache: Cache }
    adapterSettings: AdapterSettings
    adapterName: string
    endpointName: string
    inputParameters: InputParameters<T['Parameters']>
    guards?: GuardOptions
    freshness?: Freshness
    /** Paths to the numbers of the endpoint's values, if they are known for its kind. */
    fields?: readonly string[]
    caseSensitive?: boolean
    limits?: FeedLimits | undefined
    /** Its own by default. */
    rooms?: FeedRooms | undefined
    /** Other names of the endpoint. */
    aliases?: readonly string[] | undefined
    /** Default: off. */
    reasons?: ReasonSwitch
  }) {
    this.dependencies = of.dependencies
    this.cache = of.dependencies.cache as Cache<AdapterResponse<T['Response']>>
    this.inputParameters = of.inputParameters
    this.adapterName = of.adapterName
    this.endpointName = of.endpointName
    belongsTo(this, { adapter: of.adapterName, endpoint: of.endpointName })
    this.adapterSettings = of.adapterSettings
    this.guards = of.guards
    this.freshness = of.freshness
    this.fields = of.fields
    this.caseSensitive = of.caseSensitive ?? false
    const limits = (this.limits = of.limits)
    this.rooms = of.rooms ?? new FeedRooms()
    this.aliases = of.aliases
    this.reasons = of.reasons ?? { areGiven: false }
    const endpoints = [of.endpointName, ...(of.aliases ?? [])]
    this.inspector = new Inspector({
      guards: of.guards,
      freshness: of.freshness,
      fields: of.fields,
      settings: of.adapterSettings,
      limitsFor: limits && ((feed) => limits.limitsFor({ endpoints, feed })),
    })
    this.endpointFeeds = new EndpointFeeds(this, this.inspector)
    this.judging = new Judging(this, this.inspector)
    this.loads()?.add(this.onLoad)
    if (this.cache instanceof LocalCache) this.cache.onEvicted.add(this.onEvicted)
    this.admitting = new Admitting(this, this.judging, (entries, ttlMs) => this.storeAdmitted(entries, ttlMs))
  }

  /** Whether {@link writeNow} may be called in place of `write`: the cache is local, and nobody has replaced a method. */
  get isImmediate(): boolean {
    return false
  }

  private readonly onEvicted = (key: string): void => {
    this.endpointFeeds.withKey(key)?.lostItsValue()
  }

  /** Whether an author has replaced a method that makes or writes entries. */
  protected get hasOwnEntries(): boolean {
    const { prototype } = ResponseCache
    return (
      this.generateCacheEntry !== prototype.generateCacheEntry ||
      this.write !== prototype.write ||
      this._write !== prototype._write
    )
  }

  /** From now on there are runs that were given up: what they still write is refused (CN-10). */
  heedGivenUp(): void {
    this.heedsGivenUp = true
  }

  /** Looked up only where any run was given up, because the store of the running code costs time. */
  private isOfThePast(transportName: string): boolean {
    if (!this.heedsGivenUp || !OwnedStore.isGivenUp(asyncLocalStorage.getStore())) return false
    this.refusals.of(transportName).add('given-up', () => 'what a run wrote that had been given up')
    return true
  }

  /** Writes into the local cache before it returns. `at` is when the message arrived. */
  writeNow(transportName: string, results: TimestampedProviderResult<T>[], at: Instant): void {
    if (this.isOfThePast(transportName)) return
    this.storeNow(transportName, this.validated(transportName, results), at)
  }

  /** Writes the results that the endpoint's validator, the guards and the admission let pass. */
  async write(transportName: string, results: TimestampedProviderResult<T>[]): Promise<void> {
    if (this.isOfThePast(transportName)) return
    const validated = this.validated(transportName, results)
    if (validated.length > 0) await this._write(transportName, validated)
  }

  /** Writes validated results: into the local cache before it returns, into any other cache all together. */
  protected async _write(transportName: string, results: TimestampedProviderResult<T>[]): Promise<void> {
    const at = instant()
    if (this.isImmediate) return this.storeNow(transportName, results, at)
    const offers: Offer<AdapterResponse<T['Response']>>[] = []
    const name = this.nameForCache(transportName)
    for (const result of results) {
      const feed = this.feed(transportName, result.params)
      const { key, value } = this.generateCacheEntry(transportName, name, result)
      if (this.judging.accept(transportName, feed, value, at, this.admission))
        offers.push({ key, value, ttlMs: this.ttlOf(feed, value, at), feed })
    }
    await this.admitAll(transportName, offers)
  }

  /** @param ttl - in ms; `CACHE_MAX_AGE` by default */
  abstract writeEntries(entries: Entry<T>[], ttl?: number): Promise<void>

  /** Gives the cached responses of these params a new TTL, in ms, or less where their guards do not allow so much. */
  async writeTTL(
    transportName: string,
    params: TypeFromDefinition<T['Parameters']>[],
    ttl: number,
  ): Promise<void> {
    for (const one of params) {
      const feed = this.feed(transportName, one)
      const { key } = feed
      const allowed = await this.judging.allowedTtl(feed, ttl)
      // What is cached for a withdrawn feed is an error, which no provider can confirm.
      if (feed.rule?.withdrawal !== undefined) continue
      if (this.admission?.extend?.(key, allowed, instant()) !== false) await this.cache.setTTL(key, allowed)
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
      caseSensitive: this.caseSensitive,
    })
  }

  /** The feed of these params. Requests and messages use the same object. */
  feed(transportName: string, params: Data): Feed {
    return this.endpointFeeds.find(transportName, params)
  }

  /** Whether what is written for a transport is noted on {@link feed}, and not on feeds that it shares with others. */
  hasOwnFeeds(transportName: string): boolean {
    return this.nameForCache(transportName) === transportName
  }

  /** The same for the params of a client's request. Where letter case does not count, their spelling is noted, to warn of mistakes. */
  feedAskedFor(transportName: string, params: Data): Feed {
    const feed = this.feed(transportName, params)
    if (!this.caseSensitive) this.spellings.note(feed, params)
    return feed
  }

  /** Makes the feeds of all wanted params, so that withdrawn ones have their error even without a request or a value in this process. */
  noteWanted(transportName: string, wanted: readonly TypeFromDefinition<T['Parameters']>[]): void {
    if (this.limits?.withdraws === true) for (const params of wanted) this.feed(transportName, params)
  }

  /** Tells `onlyWanted` guards how to ask the transport's subscriptions whether somebody wants a feed. */
  setWanted(transportName: string, isWanted: (key: string) => boolean): void {
    this.judging.setWanted(transportName, isWanted)
  }

  /** What is looked at in the values of a feed. */
  inspectionOf(feed: Feed): Inspection {
    return this.inspector.describe(feed)
  }

  /** The counters of the values that a transport of this endpoint refused. */
  refusalsOf(transportName: string): Refusals {
    return this.refusals.of(transportName)
  }

  /** The counters of the values that were served although a guard was against it. */
  reportsOf(transportName: string): Refusals {
    return this.reports.of(transportName)
  }

  /** Removes this cache's series from the metrics. */
  stop(): void {
    this.loads()?.delete(this.onLoad)
    if (this.cache instanceof LocalCache) this.cache.onEvicted.delete(this.onEvicted)
    this.endpointFeeds.stop()
    this.refusals.stop()
    this.reports.stop()
  }

  private loads(): Set<LoadJudge<AdapterResponse>> | undefined {
    const { cache }: { cache?: Cache & { [ON_LOAD]?: Set<LoadJudge<AdapterResponse>> } } = this.dependencies
    return cache?.[ON_LOAD]
  }

  private readonly onLoad = (key: string, value: Readonly<AdapterResponse>): number | undefined => {
    const feed = this.endpointFeeds.withKey(key)
    if (feed === undefined) return undefined
    return isResponse(value) ? this.judging.allowedAtLoad(feed, value) : 0
  }

  /** The validator that is used for results. */
  protected get validator(): ResultValidator<T> | undefined {
    return this.resultValidator
  }

  private validated(
    transportName: string,
    results: TimestampedProviderResult<T>[],
  ): TimestampedProviderResult<T>[] {
    const { validator } = this
    if (validator === undefined) return results
    return validateResults(results, validator, () => this.refusalsOf(transportName), this.reasons.areGiven)
  }

  private storeNow(transportName: string, results: TimestampedProviderResult<T>[], at: Instant): void {
    const { cache, admission, judging } = this
    if (!isPlainLocal(cache)) throw new Error('Immediate writes need the local cache')
    const name = this.nameForCache(transportName)
    for (const result of results) {
      const feed = this.feed(transportName, result.params)
      const value = this.toResponse(feed, result, transportName, name, at.unixMs)
      if (!judging.accept(transportName, feed, value, at, admission)) continue
      const ttlMs = this.ttlOf(feed, value, at)
      if (admission === undefined) keep(cache, feed, value, ttlMs, at)
      else this.admitting.admitNow(admission, cache, transportName, feed, value, ttlMs, at)
    }
  }

  /** The transport's name under which the responses of a transport are cached. */
  protected nameForCache(transportName: string): string {
    return transportName
  }

  /** How long a response may be served, in ms. */
  protected ttlOf(feed: Feed, value: AdapterResponse<T['Response']>, at: Instant): number {
    return this.inspector.lifetimeMs(feed, value, this.adapterSettings.CACHE_MAX_AGE, at)
  }

  /** Stores admitted entries. Without a TTL it is `CACHE_MAX_AGE`. */
  protected storeAdmitted(entries: Entry<T>[], ttlMs?: number): Promise<void> {
    return ttlMs === undefined ? this.writeEntries(entries) : this.writeEntries(entries, ttlMs)
  }

  /** Asks the admission about each offer, and stores those that it lets in. */
  protected admitAll(transportName: string, offers: Offer<AdapterResponse<T['Response']>>[]): Promise<void> {
    return this.admitting.admitAll(this.admission, transportName, offers)
  }

  protected generateCacheEntry(
    transportNameForMeta: string,
    transportNameForCache: string,
    result: TimestampedProviderResult<T>,
  ): { readonly key: string; readonly value: AdapterResponse<T['Response']> } {
    const feed = this.feed(transportNameForCache, result.params)
    const value = this.toResponse(feed, result, transportNameForMeta, transportNameForCache, Date.now())
    return { key: feed.key, value }
  }

  private toResponse(
    feed: Feed,
    { response }: TimestampedProviderResult<T>,
    transportNameForMeta: string,
    transportNameForCache: string,
    now: number,
  ): AdapterResponse<T['Response']> {
    const { meta } = feed
    const isOwn = transportNameForMeta === transportNameForCache
    const stored = storedResponse<T['Response']>(
      response,
      isOwn || meta === undefined ? meta : { ...meta, transportName: transportNameForMeta },
    )
    // The stored response is looked at, because reading an author's own object may throw.
    this.warnings.look(stored, this.endpointName, now)
    if (stored.errorMessage === undefined || !this.reasons.areGiven) return stored
    return withReason(stored, isOwn ? feed : undefined)
  }
}
