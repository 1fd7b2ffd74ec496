export { SubscriptionTransport } from '../subscription-transport'
