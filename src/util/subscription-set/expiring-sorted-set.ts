export { ExpiringSortedSet } from '../../subscriptions/expiring-sorted-set'
