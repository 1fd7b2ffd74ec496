/** The work is in feeds/simple-response-cache. */
export { SimpleResponseCache } from '../../../feeds/simple-response-cache'
