import { ExpiringSortedSet } from './expiring-sorted-set'

type PromiseOrValue<T> = Promise<T> | T

/** The params of all feeds of one transport that somebody wants, each for a while (contract 10.2). */
export interface SubscriptionSet<T> {
  /** Wants `value` for `ttl` ms from now; asking again starts the time anew. */
  add(value: T, ttl: number, key?: string): PromiseOrValue<void>
  getAll(): PromiseOrValue<T[]>
  get: (key: string) => T | undefined
}

/** Builds the subscription sets of an adapter's transports. */
export class SubscriptionSetFactory {
  private readonly capacity: number

  constructor(settings: { CACHE_TYPE: string; SUBSCRIPTION_SET_MAX_ITEMS: number }, _adapterName: string) {
    this.capacity = settings.SUBSCRIPTION_SET_MAX_ITEMS
  }

  buildSet<T>(_endpointName: string, _transportName: string): SubscriptionSet<T> {
    return new ExpiringSortedSet<T>(this.capacity)
  }
}
