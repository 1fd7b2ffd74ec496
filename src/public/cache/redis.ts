/** The work is in redis/redis-cache. */
export { RedisCache } from '../../redis/redis-cache'
