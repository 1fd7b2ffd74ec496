import { ExpiringSortedSet } from '../../src/feeds/expiring-sorted-set'
import { RedisSubscriptionSet } from '../../src/redis/redis-subscription-set'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { clientOf } from '../redis/redis-support'
import { type Pair, testSubscriptionSet } from './subscription-set'

testSubscriptionSet('the local one', {
  make: async (capacity) => ({ set: new ExpiringSortedSet<Pair>(capacity), end: async () => {} }),
})

describeWithRedis('on Redis', () => {
  testSubscriptionSet('the one of several processes', {
    lacks: {
      cap: 'What all processes want is as much as they want; what one remembers of it has a limit, which shows without Redis only.',
    },
    async make(capacity) {
      const redis = await redisServer()
      const { client, [Symbol.asyncDispose]: leave } = clientOf(redis.port)
      return {
        set: new RedisSubscriptionSet<Pair>(client, 'TEST-price-ws-subscriptionSet', capacity),
        async end() {
          await leave()
          await redis[Symbol.asyncDispose]()
        },
      }
    },
  })
})
