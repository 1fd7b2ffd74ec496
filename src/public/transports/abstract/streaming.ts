/** The work is in transports/streaming-transport. */
export { StreamingTransport, type SubscriptionDeltas } from '../../../transports/streaming-transport'
