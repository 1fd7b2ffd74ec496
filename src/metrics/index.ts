export { buildMetricsMiddleware } from '../http/metrics-middleware'
export { setupMetricsServer } from '../http/metrics-server'
export {
  buildHttpRequestMetricsLabel,
  CMD_SENT_STATUS,
  dataProviderMetricsLabel,
  recordRedisCommandMetric,
  retrieveCost,
} from './labels'
export { Metrics, metrics, setupMetrics } from './registry'
