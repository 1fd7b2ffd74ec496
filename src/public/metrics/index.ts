/** The work is in adapter/, http/, metrics/. */
export { buildMetricsMiddleware } from '../../adapter/authors/metrics-middleware'
export { setupMetricsServer } from '../../http/metrics-server'
export {
  buildHttpRequestMetricsLabel,
  CMD_SENT_STATUS,
  dataProviderMetricsLabel,
  recordRedisCommandMetric,
  retrieveCost,
} from '../../metrics/labels'
export { Metrics, metrics, setupMetrics } from '../../metrics/registry'
