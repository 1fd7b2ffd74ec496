import { type PromiseOrValue } from '../util/promise-or-value'

/** The params of all feeds of one transport that somebody wants, each for a while (contract 10.2). */
export interface SubscriptionSet<T> {
  /** Keeps `value` in the set for `ttl` ms from now. Adding it again starts the time anew. */
  add(value: T, ttl: number, key?: string): PromiseOrValue<void>
  getAll(): PromiseOrValue<T[]>
  get: (key: string) => T | undefined
  /** Whether a feed that is new may be added; why not is said by {@link fullFor}. Default: it may. */
  hasRoomFor?: (key: string, value?: unknown) => boolean
}

/** Makes the subscription sets of an adapter's transports. */
export interface SubscriptionSets {
  buildSet<T>(endpointName: string, transportName: string): SubscriptionSet<T>
}
