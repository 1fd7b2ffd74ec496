import { type Redis } from 'ioredis'
import { ExpiringSortedSet } from './expiring-sorted-set'
import { RedisSubscriptionSet } from './redis-subscription-set'

type PromiseOrValue<T> = Promise<T> | T

/** The params of all feeds of one transport that somebody wants, each for a while (contract 10.2). */
export interface SubscriptionSet<T> {
  /** Wants `value` for `ttl` ms from now; asking again starts the time anew. */
  add(value: T, ttl: number, key?: string): PromiseOrValue<void>
  getAll(): PromiseOrValue<T[]>
  get: (key: string) => T | undefined
}

/** Builds the subscription sets of an adapter's transports: where its responses are kept, there are its subscriptions. */
export class SubscriptionSetFactory {
  private readonly cacheType: string
  private readonly capacity: number
  private readonly keyPrefix: string

  constructor(
    settings: { CACHE_TYPE: string; SUBSCRIPTION_SET_MAX_ITEMS: number; CACHE_PREFIX?: string },
    adapterName: string,
    private readonly redisClient?: Redis,
  ) {
    this.cacheType = settings.CACHE_TYPE
    this.capacity = settings.SUBSCRIPTION_SET_MAX_ITEMS
    this.keyPrefix = settings.CACHE_PREFIX ? `${settings.CACHE_PREFIX}-${adapterName}` : adapterName
  }

  /** @throws Error when the set should be in Redis and there is no client */
  buildSet<T>(endpointName: string, transportName: string): SubscriptionSet<T> {
    if (this.cacheType !== 'redis') return new ExpiringSortedSet<T>(this.capacity)
    if (this.redisClient === undefined)
      throw new Error('Redis client undefined. Cannot create Redis subscription set')
    const key = `${this.keyPrefix}-${endpointName}-${transportName}-subscriptionSet`
    return new RedisSubscriptionSet<T>(this.redisClient, key, this.capacity)
  }
}
