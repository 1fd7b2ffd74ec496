export { StreamingTransport, type SubscriptionDeltas } from '../streaming-transport'
