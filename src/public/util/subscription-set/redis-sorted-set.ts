/** The work is in redis/redis-subscription-set. */
export { RedisSubscriptionSet } from '../../../redis/redis-subscription-set'
