/** The work is in feeds/, redis/, adapter/. */
export * from '../../feeds/cache'
export {
  calculateAdapterName,
  calculateCacheKey,
  calculateFeedId,
  calculateHttpRequestKey,
} from '../../feeds/keys'
export { LocalCache, type LocalCacheEntry } from '../../feeds/local-cache'
export { RedisCache } from '../../redis/redis-cache'
export { CacheFactory } from '../../adapter/cache-factory'
export { pollResponseFromCache } from '../../feeds/poll'
export { isAhead } from '../../feeds/time'
