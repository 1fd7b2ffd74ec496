import { isMeasured } from '../config/server-settings'
import { type AdapterSettings } from '../config/settings'
import {
  type InputParameters,
  type InputParametersDefinition,
  type TypeFromDefinition,
} from '../validation/input-parameters'
import { type Admission, type Decision, type Offer } from './admission'
import { Batch } from './batch'
import { goingOn } from '../validation/reason'
import { type Instant, instant } from '../util/clock'
import { type Cache } from './cache'
import { type Feed } from './feed'
import { FeedIndex } from './feed-index'
import { publishFeeds } from './feed-metrics'
import { type Freshness } from './freshness'
import { type GuardOptions, type Standard } from './guards'
import { type Finding, Inspector } from './inspector'
import { calculateCacheKey } from './keys'
import { type FeedLimits } from './limits/feed-limits'
import { LimitedFeeds } from './limits/limited-feeds'
import { isPlainLocal, type LocalCache, localLayerOf } from './local-cache'
import { Refusals } from './refusals'
import { type ResultValidator, validateResults } from './result-validation'
import { ResponseWarnings } from './response-warnings'
import { type AdapterResponse, type ResponseGenerics, type TimestampedProviderResult } from './responses'
import { Spellings } from './spellings'
import { storedResponse } from './stored-response'

export type CacheGenerics = { Parameters: InputParametersDefinition; Response: ResponseGenerics }
type Data = Record<string, unknown>

export type Entry<T extends CacheGenerics> = { key: string; value: AdapterResponse<T['Response']> }

const UNWANTED = { reason: 'unwanted', text: 'The last value was refused: unwanted' } as const

const detailOf = (feed: Feed, { result, timestamps }: AdapterResponse) => ({
  feed: feed.feedId,
  result,
  timestamps,
})

/** What transports write through, one for each endpoint (contract 8.4). */
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
  /** Whether letter case makes another feed, as the endpoint says. */
  caseSensitive: boolean
  /** What the operator says of single feeds, where there is anything. */
  limits: FeedLimits | undefined
  aliases: readonly string[] | undefined
  /** What is called with the key of a feed whose limits have changed: what is remembered of its values is void. */
  readonly onMoved = new Set<(key: string) => void>()
  /** What the endpoint makes of every result before it is written; handed over by its `initialize` (contract 18.2). */
  resultValidator: ResultValidator<T> | undefined

  /** Which of what passed the guards is stored. Default: all of it. */
  protected readonly admission: Admission<AdapterResponse<T['Response']>> | undefined = undefined

  private readonly inspector: Inspector
  private readonly indexes = new Map<string, FeedIndex>()
  /** Nearly always there is one transport only. */
  private lastName: string | undefined
  private lastIndex: FeedIndex | undefined
  private readonly refusals = new Map<string, Refusals>()
  private readonly reports = new Map<string, Refusals>()
  private readonly isWanted = new Map<string, (key: string) => boolean>()
  private readonly warnings = new ResponseWarnings()
  private readonly spellings = new Spellings()
  private turn: Promise<unknown> = Promise.resolve()
  private stopPublishing: (() => void) | undefined
  private limited: LimitedFeeds | undefined
  private detach: (() => void) | undefined

  constructor(of: {
    dependencies: { cache: Cache }
    adapterSettings: AdapterSettings
    adapterName: string
    endpointName: string
    inputParameters: InputParameters<T['Parameters']>
    guards?: GuardOptions
    freshness?: Freshness
    /** Where the numbers of the endpoint's values are, if that is known of its kind. */
    fields?: readonly string[]
    caseSensitive?: boolean
    limits?: FeedLimits | undefined
    /** Other names of the endpoint. */
    aliases?: readonly string[] | undefined
  }) {
    this.dependencies = of.dependencies
    this.cache = of.dependencies.cache as Cache<AdapterResponse<T['Response']>>
    this.inputParameters = of.inputParameters
    this.adapterName = of.adapterName
    this.endpointName = of.endpointName
    this.adapterSettings = of.adapterSettings
    this.guards = of.guards
    this.freshness = of.freshness
    this.fields = of.fields
    this.caseSensitive = of.caseSensitive ?? false
    const limits = (this.limits = of.limits)
    this.aliases = of.aliases
    const endpoints = [of.endpointName, ...(of.aliases ?? [])]
    this.inspector = new Inspector({
      guards: of.guards,
      freshness: of.freshness,
      fields: of.fields,
      settings: of.adapterSettings,
      limitsFor: limits && ((feed) => limits.limitsFor({ endpoints, feed })),
    })
  }

  /** True when {@link writeNow} stands for `write`: the cache is this process's memory and nobody replaced a method. */
  get isImmediate(): boolean {
    return false
  }

  /** Whether an author makes or writes entries in a way of their own. */
  protected get hasOwnEntries(): boolean {
    const { prototype } = ResponseCache
    return (
      this.generateCacheEntry !== prototype.generateCacheEntry ||
      this.write !== prototype.write ||
      this._write !== prototype._write
    )
  }

  /** Writes into the local cache before it returns. `now` is when the message arrived. */
  writeNow(transportName: string, results: TimestampedProviderResult<T>[], now: number): void {
    this.storeNow(transportName, this.validated(transportName, results), instant(now))
  }

  /** Writes what the endpoint's validator, the guards and the admission let in. */
  async write(transportName: string, results: TimestampedProviderResult<T>[]): Promise<void> {
    const validated = this.validated(transportName, results)
    if (validated.length > 0) await this._write(transportName, validated)
  }

  /** What `write` does with validated results: into the local cache before it returns, into any other together. */
  protected async _write(transportName: string, results: TimestampedProviderResult<T>[]): Promise<void> {
    const at = instant()
    if (this.isImmediate) return this.storeNow(transportName, results, at)
    const offers: Offer<AdapterResponse<T['Response']>>[] = []
    const name = this.nameForCache(transportName)
    for (const result of results) {
      const feed = this.feed(transportName, result.params)
      const { key, value } = this.generateCacheEntry(transportName, name, result)
      if (this.accept(transportName, feed, value, at))
        offers.push({ key, value, ttlMs: this.ttlOf(feed, value, at), feed })
    }
    await this.admitAll(transportName, offers)
  }

  /** @param ttl - in ms; `CACHE_MAX_AGE` by default */
  abstract writeEntries(entries: Entry<T>[], ttl?: number): Promise<void>

  /** Gives the cached responses of these params a new TTL, in ms; never past the age their guards allow. */
  async writeTTL(
    transportName: string,
    params: TypeFromDefinition<T['Parameters']>[],
    ttl: number,
  ): Promise<void> {
    for (const one of params) {
      const feed = this.feed(transportName, one)
      const { key } = feed
      const allowed = await this.allowedTtl(feed, ttl)
      // What a withdrawn feed says is no value that still holds.
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

  /** The feed of these params: where requests and messages meet. */
  feed(transportName: string, params: Data): Feed {
    if (transportName !== this.lastName) {
      let index = this.indexes.get(transportName)
      if (index === undefined) this.indexes.set(transportName, (index = this.createIndex(transportName)))
      this.lastName = transportName
      this.lastIndex = index
    }
    return this.lastIndex!.find(params)
  }

  /** The same, for params that a client asks by: how it spells them is looked at where letter case does not count. */
  feedAskedFor(transportName: string, params: Data): Feed {
    const feed = this.feed(transportName, params)
    if (!this.caseSensitive) this.spellings.note(feed, params)
    return feed
  }

  /** Has withdrawn feeds say so that are wanted: nobody may have written to them, or asked this process for them. */
  noteWanted(transportName: string, wanted: readonly TypeFromDefinition<T['Parameters']>[]): void {
    if (this.limits?.withdraws === true) for (const params of wanted) this.feed(transportName, params)
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

  /** Counters of what was served although a guard was against it. */
  reportsOf(transportName: string): Refusals {
    let reports = this.reports.get(transportName)
    if (reports === undefined) {
      reports = new Refusals(this.adapterName, this.endpointName, transportName, 'dataReported')
      this.reports.set(transportName, reports)
    }
    return reports
  }

  /** Takes this cache's series out of the metrics. */
  stop(): void {
    this.stopPublishing?.()
    this.stopPublishing = () => {}
    this.detach?.()
    for (const counts of [...this.refusals.values(), ...this.reports.values()]) counts.stop()
  }

  /** What results are validated by. */
  protected get validator(): ResultValidator<T> | undefined {
    return this.resultValidator
  }

  private validated(
    transportName: string,
    results: TimestampedProviderResult<T>[],
  ): TimestampedProviderResult<T>[] {
    const { validator } = this
    if (validator === undefined) return results
    return validateResults(results, validator, () => this.refusalsOf(transportName))
  }

  private storeNow(transportName: string, results: TimestampedProviderResult<T>[], at: Instant): void {
    const { cache, admission } = this
    if (!isPlainLocal(cache)) throw new Error('Immediate writes need the local cache')
    const name = this.nameForCache(transportName)
    for (const result of results) {
      const feed = this.feed(transportName, result.params)
      const value = this.toResponse(feed, result, transportName, name, at.unixMs)
      if (!this.accept(transportName, feed, value, at)) continue
      const ttlMs = this.ttlOf(feed, value, at)
      if (admission === undefined) this.keep(cache, feed, value, ttlMs, at)
      else this.admitNow(admission, cache, transportName, feed, value, ttlMs, at)
    }
  }

  /** Under which transport's name a transport's responses are cached. */
  protected nameForCache(transportName: string): string {
    return transportName
  }

  /** For how long a response may be served. */
  protected ttlOf(feed: Feed, value: AdapterResponse<T['Response']>, at: Instant): number {
    return this.inspector.lifetimeMs(feed, value, this.adapterSettings.CACHE_MAX_AGE, at)
  }

  /** Stores what was admitted; without a TTL for `CACHE_MAX_AGE`. */
  protected storeAdmitted(entries: Entry<T>[], ttlMs?: number): Promise<void> {
    return ttlMs === undefined ? this.writeEntries(entries) : this.writeEntries(entries, ttlMs)
  }

  /** Asks the admission for each, and stores what it lets in. */
  protected admitAll(transportName: string, offers: Offer<AdapterResponse<T['Response']>>[]): Promise<void> {
    if (this.admission?.takesTurns !== true) return this.admitNext(transportName, offers)
    const done = this.turn.then(() => this.admitNext(transportName, offers))
    this.turn = done.catch(() => {})
    return done
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
    { meta }: Feed,
    { response }: TimestampedProviderResult<T>,
    transportNameForMeta: string,
    transportNameForCache: string,
    now: number,
  ): AdapterResponse<T['Response']> {
    const isOwn = transportNameForMeta === transportNameForCache || meta === undefined
    const stored = storedResponse<T['Response']>(
      response,
      isOwn ? meta : { ...meta, transportName: transportNameForMeta },
    )
    // Of what is stored, because an author's response may not bear being looked at.
    this.warnings.look(stored, this.endpointName, now)
    return stored
  }

  /** Guards every result by itself: one bad element never loses its neighbours. */
  protected accept(
    transportName: string,
    feed: Feed,
    value: AdapterResponse<T['Response']>,
    at: Instant,
  ): boolean {
    if (value.errorMessage !== undefined) return feed.rule?.withdrawal === undefined
    if (this.inspector.isForWantedOnly && this.isWanted.get(transportName)?.(feed.key) === false) {
      this.noteRefused(transportName, feed, value, UNWANTED, at)
      return false
    }
    const finding = this.inspector.inspect(feed, value, () => this.standardOf(feed, at), at)
    if (finding !== undefined) {
      if (!finding.isServed) {
        this.noteRefused(transportName, feed, value, finding, at)
        return false
      }
      this.reportsOf(transportName).add(finding.reason, () => detailOf(feed, value))
    }
    feed.refusal = undefined
    this.noteAccepted(feed, value)
    return true
  }

  private noteRefused(
    transportName: string,
    feed: Feed,
    value: AdapterResponse<T['Response']>,
    { reason, text: message }: Pick<Finding, 'reason' | 'text'>,
    at: Instant,
  ): void {
    // Known for as long as the feed is, which metrics would else forget as unused.
    feed.lastUsedAt = at.unixMs
    const code = reason === 'too-old' ? 'STALE_VALUE' : 'REFUSED_VALUE'
    feed.refusal = goingOn(feed.refusal, { code, message }, at.unixMs)
    this.refusalsOf(transportName).add(reason, () => detailOf(feed, value))
    if (reason === 'jump') localLayerOf(this.cache)?.shorten(feed.key, this.inspector.holdMs(feed))
  }

  private admitNow(
    admission: Admission<AdapterResponse<T['Response']>>,
    cache: LocalCache<AdapterResponse<T['Response']>>,
    transportName: string,
    feed: Feed,
    value: AdapterResponse<T['Response']>,
    ttlMs: number,
    at: Instant,
  ): void {
    const { key } = feed
    const offer = { key, value, ttlMs, feed }
    const current = cache.read(key, feed)?.value
    const decision = this.decide(admission, transportName, offer, current, at, true)
    if (decision === undefined) return
    if (decision.value === undefined) void cache.setTTL(key, decision.ttlMs)
    else this.keep(cache, feed, decision.value, decision.ttlMs, at)
  }

  private keep(
    cache: LocalCache<AdapterResponse<T['Response']>>,
    feed: Feed,
    value: AdapterResponse<T['Response']>,
    ttlMs: number,
    at: Instant,
  ): void {
    if (cache.store(feed.key, value, ttlMs, at, feed)) this.recordWrite(feed, value, ttlMs, at)
    else this.noteBeside(feed, value, at)
  }

  /** An error that a live value outlives is remembered beside it. */
  private noteBeside(feed: Feed, { errorMessage: message = '' }: AdapterResponse, { unixMs }: Instant): void {
    feed.refusal = goingOn(feed.refusal, { code: 'PROVIDER_ERROR', message }, unixMs)
  }

  /** IS-1: an author's rule that throws costs the response that it threw at. */
  private decide(
    admission: Admission<AdapterResponse<T['Response']>>,
    transportName: string,
    offer: Offer<AdapterResponse<T['Response']>>,
    current: AdapterResponse<T['Response']> | undefined,
    at: Instant,
    isAtOnce: boolean,
  ): Decision<AdapterResponse<T['Response']>> | undefined {
    try {
      return admission.admit(offer, current, at, isAtOnce)
    } catch (error) {
      const refusals = this.refusalsOf(transportName)
      refusals.add('handler-failed', () => 'a comparison with the cached response', error)
      return undefined
    }
  }

  private async admitNext(
    transportName: string,
    offers: Offer<AdapterResponse<T['Response']>>[],
  ): Promise<void> {
    const { admission } = this
    const current = new Map<string, AdapterResponse<T['Response']> | undefined>()
    if (admission !== undefined) {
      const keys = [...new Set(offers.map(({ key }) => key))]
      const cached = await Promise.all(keys.map((key) => this.get(key)))
      keys.forEach((key, at) => current.set(key, cached[at]))
    }
    const at = instant()
    const batch = new Batch<AdapterResponse<T['Response']>>()
    for (const offer of offers) {
      const { key, feed } = offer
      if (feed !== undefined && this.isOutOfLimits(feed, offer.value, at)) continue
      const decision =
        admission === undefined
          ? offer
          : this.decide(admission, transportName, offer, current.get(key), at, false)
      if (decision === undefined) continue
      batch.add(key, decision)
      const { value, ttlMs } = decision
      if (value === undefined) continue
      current.set(key, value)
      if (feed !== undefined) this.recordWrite(feed, value, ttlMs, at)
    }
    // All are sent before any is waited for: what was decided together reaches the cache together.
    const usual = this.adapterSettings.CACHE_MAX_AGE
    const stored = [...batch.byTtl(admission !== undefined)].map(([ttlMs, entries]) =>
      ttlMs === usual ? this.storeAdmitted(entries) : this.storeAdmitted(entries, ttlMs),
    )
    const extended = [...batch.extensions].map(([key, ttlMs]) => this.cache.setTTL(key, ttlMs))
    await Promise.all([...stored, ...extended])
  }

  protected recordWrite(feed: Feed, value: AdapterResponse, ttlMs: number, at: Instant): void {
    feed.sets++
    feed.lastSetAt = at.unixMs
    if (value.errorMessage === undefined) {
      feed.lastSet = at
      feed.lastLifeMs = ttlMs
    }
    feed.ttlMs = ttlMs
    const indicated = value.timestamps?.providerIndicatedTimeUnixMs
    feed.providerDeltaMs = indicated === undefined ? 0 : at.unixMs - indicated
  }

  private standardOf(feed: Feed, at: Instant): Standard {
    const last = this.admission?.lastAccepted?.(feed, at)
    if (last !== undefined) return last
    return { served: localLayerOf(this.cache)?.read(feed.key, feed)?.value, acceptedAsOf: feed.acceptedAsOf }
  }

  private noteAccepted(feed: Feed, value: AdapterResponse): void {
    const { admission } = this
    if (admission?.noteAccepted !== undefined) admission.noteAccepted(feed, value)
    else feed.acceptedAsOf = value.timestamps?.providerIndicatedTimeUnixMs ?? feed.acceptedAsOf
  }

  private async allowedTtl(feed: Feed, ttl: number): Promise<number> {
    if (this.inspector.freshnessOf(feed) === undefined) return ttl
    const served = await this.cache.get(feed.key)
    if (served === undefined) return ttl
    return this.inspector.extensionMs(feed, served, ttl, feed.lastSet ?? instant())
  }

  /** Other limits may hold than when it was let in, because it had to wait. */
  private isOutOfLimits(feed: Feed, value: AdapterResponse, at: Instant): boolean {
    if (feed.rule === undefined) return false
    if (value.errorMessage !== undefined) return feed.rule.withdrawal !== undefined
    return this.inspector.reconsider(feed, value, at) !== undefined
  }

  private createIndex(transportName: string): FeedIndex {
    // Not before there are feeds of its own: a cache that wraps another leaves the counting to that one.
    this.stopPublishing ??= publishFeeds(this.adapterName, this.cache, () => this.indexes.values())
    const limited = this.limitedFeeds()
    const settings = this.adapterSettings
    return new FeedIndex(
      {
        adapterName: this.adapterName,
        endpointName: this.endpointName,
        transportName,
        settings,
        caseSensitive: this.caseSensitive,
        withMeta: isMeasured(settings),
        onCreated: limited && ((feed) => limited.created(feed)),
      },
      Object.keys(this.inputParameters.definition),
    )
  }

  /** What the operator's limits act on, once there are feeds. */
  private limitedFeeds(): LimitedFeeds | undefined {
    const { limits, inspector, cache, indexes } = this
    if (limits === undefined || this.limited !== undefined) return this.limited
    const feeds = () => [...indexes.values()].flatMap((index) => [...index.all()])
    const onMoved = (key: string) => this.onMoved.forEach((forget) => forget(key))
    this.limited = new LimitedFeeds({ limits, inspector, cache, feeds, onMoved })
    this.detach = limits.attach(this.limited)
    return this.limited
  }
}
