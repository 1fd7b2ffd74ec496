/** The work is in feeds/compare-response-cache and feeds/response-cache. */
export { CompareResponseCache } from '../../feeds/compare-response-cache'
export { ResponseCache, SimpleResponseCache } from '../../feeds/response-cache'
