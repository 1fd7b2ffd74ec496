export * from './adapter-name'
export * from './arrays'
export * from './linked-list'
export * from './logger'
export { deferredPromise, sleep, timeoutPromise } from './sleep'
export * from './subscription-set/subscription-set'
export * from './types'

/** A value, or a promise of it. */
export type PromiseOrValue<T> = Promise<T> | T
