/** The work is in feeds/cache and adapter/authors/cache-metrics. */
export { CacheTypes } from '../../feeds/cache'
export {
  cacheGet,
  cacheMetricsLabel,
  type CacheMetricsLabels,
  cacheSet,
} from '../../adapter/authors/cache-metrics'
