export { BurstRateLimiter } from './burst-rate-limiter'
