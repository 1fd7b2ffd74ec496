/** The work is in feeds/response-cache and what extends it there. */
export { CompareResponseCache } from '../../feeds/compare-response-cache'
export { ResponseCache } from '../../feeds/response-cache'
export { SimpleResponseCache } from '../../feeds/simple-response-cache'
