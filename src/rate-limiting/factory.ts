export { RateLimiterFactory, RateLimitingStrategy } from './rate-limiter-factory'
