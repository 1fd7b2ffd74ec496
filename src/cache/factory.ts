import { LocalCache } from './local-cache'

/** Builds the cache that `CACHE_TYPE` asks for. */
export class CacheFactory {
  static buildCache<T = unknown>({
    cacheType,
    maxSizeForLocalCache,
  }: {
    cacheType: string
    maxSizeForLocalCache: number
  }): LocalCache<T> {
    if (cacheType !== 'local')
      throw new Error(`CACHE_TYPE "${cacheType}" is not supported by this version; use "local"`)
    return new LocalCache<T>(maxSizeForLocalCache)
  }
}
