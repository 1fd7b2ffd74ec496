import {
  type AdapterRateLimitTier,
  buildRateLimitTiersFromConfig,
  getRateLimitingTier,
  highestRateLimitTiers,
  highestTierLimit,
  type RateLimitSettings,
} from '../outbound-http/tiers'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { type AdapterRateLimitingConfig } from './params'

const logger = makeLogger('Adapter')

/**
 * The budget for requests to the provider (contract 3.1, 11). Logs a warning when the settings allow more than the highest tier of the
 * provider that the adapter knows.
 *
 * @throws Error when a limit is negative or the share at the start is none, and whatever choosing the tier throws
 */
export const rateLimitTierOf = (
  settings: RateLimitSettings & { RATE_LIMIT_START_SHARE?: number },
  rateLimiting: AdapterRateLimitingConfig | undefined,
): AdapterRateLimitTier | undefined => {
  const tier = getRateLimitingTier(settings, rateLimiting?.tiers, rateLimiting?.requireTierSelection)
  const { rateLimit1s, rateLimit1m, rateLimit1h, rateLimit1d, rateLimit30d } = tier ?? {}
  const limits = [rateLimit1s, rateLimit1m, rateLimit1h, rateLimit1d, rateLimit30d]
  if (limits.some((limit) => limit !== undefined && limit < 0))
    throw new Error('Rate limit must be a positive number')
  const startShare = settings.RATE_LIMIT_START_SHARE || tier?.startShare
  if (startShare !== undefined && !(startShare > 0 && startShare <= 1))
    throw new Error('The share of a rate limit at the start must be above 0 and at most 1')
  const configured = highestTierLimit(buildRateLimitTiersFromConfig(settings))
  const highest = configured > 0 && rateLimiting?.tiers ? highestRateLimitTiers(rateLimiting.tiers) : 0
  if (highest > 0 && configured > highest)
    named(logger, settings).warn(
      `RATE_LIMIT_CAPACITY* allows ${configured} requests per second, more than the most permissive tier of this adapter (${highest})`,
    )
  return tier && startShare !== undefined ? { ...tier, startShare } : tier
}

/** Where no limit is declared each request is repeated at most this often. */
const FLOOR_MS = 1_000

/** The shortest time between two passes of an HTTP transport, in ms: there is one only where no limit of the provider is known. */
export const passFloorMs = (tier: AdapterRateLimitTier | undefined): number =>
  highestTierLimit(tier) > 0 ? 0 : FLOOR_MS
