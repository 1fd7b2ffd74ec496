export { CacheTypes } from './cache'
export { cacheGet, cacheMetricsLabel, type CacheMetricsLabels, cacheSet } from './record-metrics'
