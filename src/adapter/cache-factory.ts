import { type Redis } from 'ioredis'
import { LocalCache } from '../feeds/local-cache'
import { RedisCache } from '../redis/redis-cache'

/** Builds the cache that `CACHE_TYPE` asks for. */
export class CacheFactory {
  /** @throws Error for `redis` without a client, and for an unknown type */
  static buildCache<T = unknown>(
    { cacheType, maxSizeForLocalCache }: { cacheType: string; maxSizeForLocalCache: number },
    redisClient?: Redis,
  ): LocalCache<T> | RedisCache<T> {
    if (cacheType === 'local') return new LocalCache<T>(maxSizeForLocalCache)
    if (cacheType !== 'redis') throw new Error(`CACHE_TYPE "${cacheType}" is none of "local", "redis"`)
    if (redisClient === undefined) throw new Error('Redis client undefined. Cannot create Redis cache')
    return new RedisCache<T>(redisClient, maxSizeForLocalCache)
  }
}
