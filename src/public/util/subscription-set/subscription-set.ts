/** The work is in feeds/subscription-set. */
export { SubscriptionSetFactory } from '../../../adapter/subscription-set-factory'
export { type SubscriptionSet } from '../../../feeds/subscription-set'
