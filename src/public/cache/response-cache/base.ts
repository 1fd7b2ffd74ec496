/** The work is in feeds/response-cache. */
export { ResponseCache } from '../../../feeds/response-cache'
