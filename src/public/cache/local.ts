/** The work is in feeds/local-cache. */
export { LocalCache, type LocalCacheEntry } from '../../feeds/local-cache'
