export { ResponseCache, SimpleResponseCache } from './response-cache'
