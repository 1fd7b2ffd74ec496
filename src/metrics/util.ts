export { getMetricsMeta } from '../cache/metrics-meta'
