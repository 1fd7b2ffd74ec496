/** The work is in outbound-http/rate-limiter-factory. */
export { RateLimiterFactory, RateLimitingStrategy } from '../../outbound-http/rate-limiter-factory'
