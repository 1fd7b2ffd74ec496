/** The work is in outbound-http/fixed-interval-rate-limiter. */
export { FixedIntervalRateLimiter } from '../../outbound-http/fixed-interval-rate-limiter'
