/** The work is in feeds/, redis/, adapter/. */
export * from '../../feeds/cache'
export {
  calculateAdapterName,
  calculateCacheKey,
  calculateFeedId,
  calculateHttpRequestKey,
} from '../../feeds/keys'
export * from './local'
export * from './redis'
export { CacheFactory } from '../../adapter/cache-factory'
export { pollResponseFromCache } from '../../feeds/poll'
export { isAhead } from '../../feeds/time'
