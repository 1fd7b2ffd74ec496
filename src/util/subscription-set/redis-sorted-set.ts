export { RedisSubscriptionSet } from '../../subscriptions/redis-subscription-set'
