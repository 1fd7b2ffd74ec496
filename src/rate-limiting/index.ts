export { BurstRateLimiter } from './burst-rate-limiter'
export { type RateLimiter } from './rate-limiter'
export {
  type AdapterRateLimitTier,
  buildRateLimitTiersFromConfig,
  consolidateTierLimits,
  getRateLimitingTier,
  highestRateLimitTiers,
  highestTierLimit,
  lowestTierLimit,
} from './tiers'
