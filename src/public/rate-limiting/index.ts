/** The work is in outbound-http/burst-rate-limiter and outbound-http/rate-limiter and outbound-http/tiers. */
export { BurstRateLimiter } from '../../outbound-http/burst-rate-limiter'
export { type RateLimiter } from '../../outbound-http/rate-limiter'
export {
  type AdapterRateLimitTier,
  buildRateLimitTiersFromConfig,
  consolidateTierLimits,
  getRateLimitingTier,
  highestRateLimitTiers,
  highestTierLimit,
  lowestTierLimit,
} from '../../outbound-http/tiers'
