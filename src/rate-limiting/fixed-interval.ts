export { FixedIntervalRateLimiter } from './fixed-interval-rate-limiter'
