/** The work is in feeds/expiring-sorted-set. */
export { ExpiringSortedSet } from '../../../feeds/expiring-sorted-set'
