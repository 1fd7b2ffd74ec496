/** The work is in transports/subscription-transport. */
export { SubscriptionTransport } from '../../../transports/subscription-transport'
