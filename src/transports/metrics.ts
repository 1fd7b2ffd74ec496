export {
  connectionErrorLabels,
  type MessageDirection,
  messageSubsLabels,
  recordWsMessageSentMetrics,
  recordWsMessageSubMetrics,
} from './websocket/message-metrics'
