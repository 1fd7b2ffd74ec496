import { belongsTo } from '../util/line-owner'
import { type Redis } from 'ioredis'
import { ExpiringSortedSet } from '../feeds/expiring-sorted-set'
import { WantedRoom } from '../feeds/feed-rooms'
import { type SubscriptionSet, type SubscriptionSets } from '../feeds/subscription-set'
import { RedisSubscriptionSet } from '../redis/redis-subscription-set'

type Settings = { CACHE_TYPE: string; SUBSCRIPTION_SET_MAX_ITEMS: number; CACHE_PREFIX?: string }

/** The type is that of any builder of sets. Transports do not know about Redis and get the factory under this type. */
export type SubscriptionSetFactory = SubscriptionSets

/** Builds the subscription sets of an adapter's transports. Subscriptions are kept in the same store as responses. */
export const SubscriptionSetFactory: new (
  settings: Settings,
  adapterName: string,
  redisClient?: Redis,
  room?: WantedRoom,
) => SubscriptionSets = class SubscriptionSetFactory implements SubscriptionSets {
  private readonly cacheType: string
  private readonly capacity: number
  private readonly keyPrefix: string

  constructor(
    settings: Settings,
    private readonly adapterName: string,
    private readonly redisClient?: Redis,
    protected readonly room = new WantedRoom(),
  ) {
    this.cacheType = settings.CACHE_TYPE
    this.capacity = settings.SUBSCRIPTION_SET_MAX_ITEMS
    this.keyPrefix = settings.CACHE_PREFIX ? `${settings.CACHE_PREFIX}-${adapterName}` : adapterName
  }

  /** @throws Error when the set should be in Redis and there is no client */
  buildSet<T>(endpointName: string, transportName: string): SubscriptionSet<T> {
    const set = this.setFor<T>(endpointName, transportName)
    belongsTo(set, { adapter: this.adapterName, endpoint: endpointName })
    return set
  }

  private setFor<T>(endpointName: string, transportName: string): SubscriptionSet<T> {
    if (this.cacheType !== 'redis') return new ExpiringSortedSet<T>(this.capacity, this.room)
    if (this.redisClient === undefined)
      throw new Error('Redis client undefined. Cannot create Redis subscription set')
    const key = `${this.keyPrefix}-${endpointName}-${transportName}-subscriptionSet`
    return new RedisSubscriptionSet<T>(this.redisClient, key, this.capacity, this.room)
  }
}
