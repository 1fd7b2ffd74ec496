export { CompareResponseCache } from './compare-response-cache'
export { ResponseCache, SimpleResponseCache } from './response-cache'
