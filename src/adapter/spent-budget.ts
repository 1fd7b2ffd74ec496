import { type Redis } from 'ioredis'
import { type AdapterSettings } from '../config/settings'
import { WindowedRateLimiter } from '../outbound-http/windowed-rate-limiter'
import { RedisSpentStore } from '../redis/redis-spent-store'

/**
 * RL-2: what is spent of the budget for requests is kept in the shared store, if there is one, so that the next process does not spend it
 * again.
 *
 * @param of.rateLimiter - one of an author's is left as it is
 * @returns to be closed before the client is; undefined where nothing is kept
 */
export const rememberSpent = (
  { name, settings }: { name: string; settings: AdapterSettings },
  { rateLimiter, redisClient }: { rateLimiter?: unknown; redisClient?: Redis },
): RedisSpentStore | undefined => {
  const { CACHE_PREFIX, CACHE_REDIS_TIMEOUT, CACHE_TYPE, EA_MODE } = settings
  if (CACHE_TYPE !== 'redis' || EA_MODE === 'reader' || redisClient === undefined) return undefined
  if (!(rateLimiter instanceof WindowedRateLimiter)) return undefined
  const prefix = CACHE_PREFIX ? `${CACHE_PREFIX}-${name}` : name
  const store = new RedisSpentStore(redisClient, prefix, CACHE_REDIS_TIMEOUT)
  rateLimiter.remember(store)
  return store
}
