export { CompareResponseCache } from '../compare-response-cache'
