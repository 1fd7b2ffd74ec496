/** The work is in the files beside this one, and in adapter/, feeds/. */
export * from './basic'
export * from './endpoint'
export * from './lwba'
export * from './market-status'
export * from './price'
export * from './types'
export { pure } from '../../adapter/pure'
export { type GuardOptions } from '../../feeds/guards'
