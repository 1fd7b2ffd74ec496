/** The work is in adapter/authors/ws-metrics. */
export {
  connectionErrorLabels,
  type MessageDirection,
  messageSubsLabels,
  recordWsMessageSentMetrics,
  recordWsMessageSubMetrics,
} from '../../adapter/authors/ws-metrics'
