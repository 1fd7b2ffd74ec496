/** The work is in feeds/response-cache. */
export { SimpleResponseCache } from '../../../feeds/response-cache'
