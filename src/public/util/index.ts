/** The work is in the files beside this one, and in util/. */
export * from '../../util/adapter-name'
export * from '../../util/arrays'
export * from '../../util/linked-list'
export * from './logger'
export { deferredPromise, sleep, timeoutPromise } from '../../util/sleep'
export * from './subscription-set/subscription-set'
export * from './types'
export { type PromiseOrValue } from '../../util/promise-or-value'
