export { type SubscriptionSet, SubscriptionSetFactory } from '../../subscriptions/subscription-set'
