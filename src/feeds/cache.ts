import { type EventEmitter } from 'node:events'

export interface CacheEntry<T> {
  key: string
  value: T
}

export enum CacheTypes {
  Redis = 'redis',
  Local = 'local',
}

/** Where responses are kept (contract 8.1). Every method is asynchronous; TTLs are in milliseconds. */
export interface Cache<T = unknown> {
  type: CacheTypes
  get: (key: string) => Promise<Readonly<T> | undefined>
  set: (key: string, value: Readonly<T>, ttl: number) => Promise<void>
  setMany: (entries: CacheEntry<Readonly<T>>[], ttl: number) => Promise<void>
  delete: (key: string) => Promise<void>
  setTTL: (key: string, ttl: number) => Promise<void>
  lock?: (
    key: string,
    cacheLockDuration: number,
    retryCount: number,
    shutdownNotifier: EventEmitter,
  ) => Promise<void>
}
