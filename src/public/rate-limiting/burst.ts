/** The work is in outbound-http/burst-rate-limiter. */
export { BurstRateLimiter } from '../../outbound-http/burst-rate-limiter'
