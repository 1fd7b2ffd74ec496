/** The work is in feeds/metrics-meta. */
export { getMetricsMeta } from '../../feeds/metrics-meta'
