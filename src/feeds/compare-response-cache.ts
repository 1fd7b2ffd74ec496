import { type TypeFromDefinition } from '../validation/input-parameters'
import { type Admission, compare } from './admission'
import { type Feed } from './feed'
import { localLayerOf } from './local-cache'
import { type Refusals } from './refusals'
import { type CacheGenerics, type Entry, ResponseCache } from './response-cache'
import { type ResultValidator } from './result-validation'
import { type AdapterResponse } from './responses'
import { type Instant } from '../util/clock'

/** Whether a response takes the place of the one that is cached now, if there is one. */
export type ShouldUpdate<T extends CacheGenerics> = (
  next: AdapterResponse<T['Response']>,
  current?: AdapterResponse<T['Response']>,
) => boolean

/**
 * Stands in front of an endpoint's response cache and lets through what `shouldUpdate` says (contract 8.6). Every child's responses go
 * under this cache's one transport name; `meta.transportName` says whose they are. Feeds, refusals and what is stored are those of the
 * cache behind it.
 */
export class CompareResponseCache<T extends CacheGenerics> extends ResponseCache<T> {
  protected override readonly admission: Admission<AdapterResponse<T['Response']>>

  /** @param admission - decides instead of `shouldUpdate` */
  constructor(
    readonly transportName: string,
    public responseCache: ResponseCache<T>,
    readonly shouldUpdate: ShouldUpdate<T>,
    admission?: Admission<AdapterResponse<T['Response']>>,
  ) {
    super(responseCache)
    const decides = (this.admission =
      admission ?? compare((next, current) => this.shouldUpdate(next, current)))
    if ('onMoved' in this.innermost) this.innermost.onMoved.add((key) => decides.forget?.(key))
  }

  override get isImmediate(): boolean {
    const { prototype } = CompareResponseCache
    const { responseCache: inner } = this
    return (
      this.writeEntries === prototype.writeEntries &&
      this.get === prototype.get &&
      !this.hasOwnEntries &&
      inner.isImmediate === true &&
      !(inner instanceof CompareResponseCache) &&
      inner.get === ResponseCache.prototype.get &&
      localLayerOf(this.cache) === this.cache
    )
  }

  async writeEntries(entries: Entry<T>[]): Promise<void> {
    const ttlMs = this.adapterSettings.CACHE_MAX_AGE
    await this.admitAll(
      this.transportName,
      entries.map(({ key, value }) => ({ key, value, ttlMs, feed: undefined })),
    )
  }

  /** Of the one entry that there is for these params, whatever the name given. */
  override async writeTTL(
    _transportName: string,
    params: TypeFromDefinition<T['Parameters']>[],
    ttl: number,
  ): Promise<void> {
    if (this.admission.extend !== undefined) return super.writeTTL(this.transportName, params, ttl)
    await this.responseCache.writeTTL(this.transportName, params, ttl)
  }

  override async get(key: string): Promise<Readonly<AdapterResponse<T['Response']>> | undefined> {
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

  override noteWanted(transportName: string, wanted: readonly TypeFromDefinition<T['Parameters']>[]): void {
    const { innermost } = this
    if ('noteWanted' in innermost) innermost.noteWanted(this.transportName, wanted)
    else super.noteWanted(transportName, wanted)
  }

  override reportsOf(child: string): Refusals {
    const { innermost } = this
    return 'reportsOf' in innermost ? innermost.reportsOf(child) : super.reportsOf(child)
  }

  override refusalsOf(child: string): Refusals {
    const { innermost } = this
    return 'refusalsOf' in innermost ? innermost.refusalsOf(child) : super.refusalsOf(child)
  }

  /** What is stored goes into the cache behind this one as it is: here is where that one's results are validated. */
  protected override get validator(): ResultValidator<T> | undefined {
    return this.resultValidator ?? this.innermost.resultValidator
  }

  protected override nameForCache(_child: string): string {
    return this.transportName
  }

  /** An error is as good as the cache's life is long: guards say how old a value may become. */
  protected override ttlOf(feed: Feed, value: AdapterResponse<T['Response']>, at: Instant): number {
    return value.errorMessage === undefined
      ? super.ttlOf(feed, value, at)
      : this.adapterSettings.CACHE_MAX_AGE
  }

  protected override storeAdmitted(entries: Entry<T>[], ttlMs?: number): Promise<void> {
    return ttlMs === undefined
      ? this.responseCache.writeEntries(entries)
      : this.responseCache.writeEntries(entries, ttlMs)
  }

  /** Where the feeds are: the cache behind this one, and behind any of this kind. */
  private get innermost(): ResponseCache<T> {
    const { responseCache: inner } = this
    return inner instanceof CompareResponseCache ? (inner as CompareResponseCache<T>).innermost : inner
  }
}
