export { SimpleResponseCache } from '../response-cache'
