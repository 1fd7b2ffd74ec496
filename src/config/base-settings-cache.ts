import { validator } from '../validation/validators'
import { type SettingsDefinitionMap } from './setting-types'

/** Settings of the response cache, its keys, Redis, the writer's lock, and the wait for a value. */
export const cacheSettings = {
  CACHE_TYPE: {
    description: 'Where responses are kept: in this process (local) or in Redis, to be shared',
    type: 'enum',
    default: 'local',
    options: ['local', 'redis'],
  },
  CACHE_MAX_AGE: {
    description: 'How long a value is served after it was stored (ms)',
    type: 'number',
    default: 90000,
    validate: validator.integer({ min: 1000, max: 3600000 }),
  },
  CACHE_MAX_ITEMS: {
    description: 'How many responses the local cache holds; beyond that the least recently used go',
    type: 'number',
    default: 10000,
    validate: validator.integer({ min: 1000, max: 50000 }),
  },
  CACHE_PREFIX: {
    description: 'Put in front of cache keys, subscription sets and the lock, to keep deployments apart',
    type: 'string',
    default: '',
    sensitive: false,
  },
  DEFAULT_CACHE_KEY: {
    description: 'Stands for the parameters in the cache key of an endpoint that has none',
    type: 'string',
    default: 'DEFAULT_CACHE_KEY',
    sensitive: false,
  },
  MAX_COMMON_KEY_SIZE: {
    description: 'Longest parameter part of a cache key or feed id, in characters; longer ones are hashed',
    type: 'number',
    default: 300,
    validate: validator.integer({ min: 150, max: 500 }),
  },
  FEED_ID_JSON: {
    description: 'Write feed ids as JSON even when they could be shorter',
    type: 'boolean',
    default: false,
  },
  CACHE_POLLING_MAX_RETRIES: {
    description: 'How many times a request without a value looks again before it gives up',
    type: 'number',
    default: 10,
    validate: validator.integer({ min: 0, max: 20 }),
  },
  CACHE_POLLING_SLEEP_MS: {
    description: 'How long a request without a value waits for each retry (ms)',
    type: 'number',
    default: 200,
    validate: validator.integer({ min: 10, max: 1000 }),
  },
  SUBSCRIPTION_SET_MAX_ITEMS: {
    description: 'How many feeds of one transport can be wanted at a time, when kept in this process',
    type: 'number',
    default: 10000,
    validate: validator.integer({ min: 1000, max: 10000 }),
  },
  CACHE_LOCK_DURATION: {
    description: "Lifetime of the writer's lock in Redis (ms); it is extended well before it ends",
    type: 'number',
    default: 10000,
  },
  CACHE_LOCK_RETRIES: {
    description: 'How often a writer tries to take the lock, spread over CACHE_LOCK_DURATION',
    type: 'number',
    default: 10,
  },
  CACHE_LOCK_DEFERRAL_MS: {
    description: 'How long a starting writer waits before it tries to take the lock (ms)',
    type: 'number',
    default: 60000,
  },
  CACHE_REDIS_URL: {
    description: 'Redis as a URL; the other CACHE_REDIS settings fill in what it leaves open',
    type: 'string',
    validate: validator.url(),
    sensitive: true,
  },
  CACHE_REDIS_HOST: {
    description: 'Host of Redis',
    type: 'string',
    default: '127.0.0.1',
    sensitive: false,
  },
  CACHE_REDIS_PORT: {
    description: 'Port of Redis',
    type: 'number',
    default: 6379,
    validate: validator.port(),
  },
  CACHE_REDIS_PATH: {
    description: 'Unix socket of Redis; used instead of host and port',
    type: 'string',
    sensitive: false,
  },
  CACHE_REDIS_PASSWORD: {
    description: 'Password for Redis',
    type: 'string',
    sensitive: true,
  },
  CACHE_REDIS_CONNECTION_TIMEOUT: {
    description: 'How long connecting to Redis may take (ms)',
    type: 'number',
    default: 15000,
    validate: validator.integer({ min: 3000, max: 60000 }),
  },
  CACHE_REDIS_MAX_RECONNECT_COOLDOWN: {
    description: 'Longest pause between two attempts to reconnect to Redis (ms)',
    type: 'number',
    default: 3000,
    validate: validator.integer({ min: 3000, max: 10000 }),
  },
  CACHE_REDIS_TIMEOUT: {
    description: 'How long one Redis command may take (ms)',
    type: 'number',
    default: 500,
    validate: validator.integer({ min: 500, max: 10000 }),
  },
} as const satisfies SettingsDefinitionMap
