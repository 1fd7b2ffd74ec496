export {
  buildHttpRequestMetricsLabel,
  CMD_SENT_STATUS,
  dataProviderMetricsLabel,
  recordRedisCommandMetric,
  retrieveCost,
} from './labels'
export { Metrics, metrics, setupMetrics } from './registry'
