import { type PromiseOrValue } from '../util/promise-or-value'

/** The params of all feeds of one transport that somebody wants, each for a while (contract 10.2). */
export interface SubscriptionSet<T> {
  /** Wants `value` for `ttl` ms from now; asking again starts the time anew. */
  add(value: T, ttl: number, key?: string): PromiseOrValue<void>
  getAll(): PromiseOrValue<T[]>
  get: (key: string) => T | undefined
}

/** Where the transports of an adapter get their subscription sets from. */
export interface SubscriptionSets {
  buildSet<T>(endpointName: string, transportName: string): SubscriptionSet<T>
}
