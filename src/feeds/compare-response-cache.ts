import { type TypeFromDefinition } from '../validation/input-parameters'
import { type Admission, compare } from './admission'
import { type Feed } from './feed'
import { localLayerOf } from './local-cache'
import { type Refusals } from './refusals'
import { type CacheGenerics, type Entry, ResponseCache } from './response-cache'
import { type ResultValidator } from './result-validation'
import { type AdapterResponse } from './responses'
import { type Instant } from '../util/clock'

/** Whether a response is to replace the cached one, if there is one. */
export type ShouldUpdate<T extends CacheGenerics> = (
  next: AdapterResponse<T['Response']>,
  current?: AdapterResponse<T['Response']>,
) => boolean

/**
 * Wraps an endpoint's response cache, and stores there only the responses for which `shouldUpdate` returns true (contract 8.6). The
 * responses of all child transports are cached under the one transport name of this cache; `meta.transportName` is the child's name. The
 * feeds, the refusals and the stored responses are those of the wrapped cache.
 */
export class CompareResponseCache<T extends CacheGenerics> extends ResponseCache<T> {
  protected override readonly admission: Admission<AdapterResponse<T['Response']>>

  /** @param admission - decides in place of `shouldUpdate` */
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

  /** Changes the one entry of these params; the name of the transport is ignored. */
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

  /** The key under which responses to these params are cached; the name of the transport is ignored. */
  override getCacheKey(_transportName: string, params: TypeFromDefinition<T['Parameters']>): string {
    return super.getCacheKey(this.transportName, params)
  }

  /** The feed is that of the wrapped cache, so that requests and writes use the same object. */
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

  /** The wrapped cache stores entries without validating them, so its validator is used here. */
  protected override get validator(): ResultValidator<T> | undefined {
    return this.resultValidator ?? this.innermost.resultValidator
  }

  protected override nameForCache(_child: string): string {
    return this.transportName
  }

  /** Guards limit the age of values only, so an error lives for `CACHE_MAX_AGE`. */
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

  /** The cache that has the feeds: the wrapped one, or what that wraps if it is of this class, too. */
  private get innermost(): ResponseCache<T> {
    const { responseCache: inner } = this
    return inner instanceof CompareResponseCache ? (inner as CompareResponseCache<T>).innermost : inner
  }
}
