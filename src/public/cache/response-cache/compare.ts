/** The work is in feeds/compare-response-cache. */
export { CompareResponseCache } from '../../../feeds/compare-response-cache'
