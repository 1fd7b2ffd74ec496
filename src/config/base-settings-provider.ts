import { validator } from '../validation/validators'
import { share } from './share'
import { type SettingsDefinitionMap } from './setting-types'

/** Settings for the work with data providers: requests, streams, subscriptions and rate limits. */
export const providerSettings = {
  API_TIMEOUT: {
    description:
      'The number of milliseconds a request can be pending before returning a timeout error for data provider request',
    type: 'number',
    default: 30000,
    validate: validator.integer({ min: 0, max: 60000 }),
  },
  RETRY: {
    description: 'How often a failed request to the provider is tried again',
    type: 'number',
    default: 1,
    validate: validator.integer({ min: 0, max: 10 }),
  },
  REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: {
    description: 'Time to sleep after a failed HTTP request before re-queueing the request (in ms)',
    type: 'number',
    default: 0,
    validate: validator.integer({ min: 0, max: 120000 }),
  },
  MAX_HTTP_REQUEST_QUEUE_LENGTH: {
    description:
      'How many requests to the provider may wait for their turn; beyond that the oldest are refused',
    type: 'number',
    default: 200,
    validate: validator.integer({ min: 1, max: 2000 }),
  },
  RATE_LIMITING_STRATEGY: {
    description:
      'Send requests as they come until the budget is used up (burst), or evenly spaced (fixed-interval)',
    type: 'enum',
    default: 'fixed-interval',
    options: ['burst', 'fixed-interval'],
  },
  RATE_LIMIT_API_TIER: {
    description:
      'Rate limiting tier to use from the available options for the adapter. If not present, the adapter will run using the first tier on the list.',
    type: 'string',
    sensitive: false,
  },
  RATE_LIMIT_CAPACITY: {
    description: 'Requests per minute to the provider, instead of what the tier allows',
    type: 'number',
    validate: validator.integer({ min: 0 }),
  },
  RATE_LIMIT_CAPACITY_MINUTE: {
    description: 'Requests per minute to the provider; wins over RATE_LIMIT_CAPACITY',
    type: 'number',
    validate: validator.integer({ min: 0 }),
  },
  RATE_LIMIT_CAPACITY_SECOND: {
    description: 'Requests per second to the provider, instead of what the tier allows',
    type: 'number',
    validate: validator.integer({ min: 0 }),
  },
  RATE_LIMIT_START_SHARE: {
    description:
      'The part of the requests of an hour, a day or 30 days that may be used after a start, until that time has passed: 0.5 is half of them. What was used before the start is not known then, unless it was kept in Redis (CACHE_TYPE). If not given, what the tier says, else all of them',
    type: 'number',
    validate: share({ orZero: false }),
  },
  BACKGROUND_EXECUTE_TIMEOUT: {
    description: 'How long one background pass of a transport may take before it counts as failed (ms)',
    type: 'number',
    default: 90000,
    validate: validator.integer({ min: 1000, max: 600000 }),
  },
  BACKGROUND_EXECUTE_MS_HTTP: {
    description: 'Pause of an HTTP transport that has nothing to request (ms)',
    type: 'number',
    default: 1000,
    validate: validator.integer({ min: 1, max: 10000 }),
  },
  BACKGROUND_EXECUTE_MS_SSE: {
    description: 'Longest pause between two background passes of an SSE transport (ms)',
    type: 'number',
    default: 1000,
    validate: validator.integer({ min: 1, max: 10000 }),
  },
  BACKGROUND_EXECUTE_MS_WS: {
    description: 'Longest pause between two background passes of a WebSocket transport (ms)',
    type: 'number',
    default: 1000,
    validate: validator.integer({ min: 1, max: 10000 }),
  },
  WARMUP_SUBSCRIPTION_TTL: {
    description: 'How long after the last request a feed of an HTTP transport is kept up to date (ms)',
    type: 'number',
    default: 300000,
    validate: validator.integer({ min: 0, max: 3600000 }),
  },
  SSE_SUBSCRIPTION_TTL: {
    description: 'How long after the last request a feed of an SSE transport stays subscribed (ms)',
    type: 'number',
    default: 300000,
    validate: validator.integer({ min: 0, max: 3600000 }),
  },
  SSE_KEEPALIVE_SLEEP: {
    description: 'Pause between two requests that keep an SSE connection alive (ms)',
    type: 'number',
    default: 60000,
    validate: validator.integer({ min: 0, max: 120000 }),
  },
  WS_SUBSCRIPTION_TTL: {
    description: 'How long after the last request a feed of a WebSocket transport stays subscribed (ms)',
    type: 'number',
    default: 120000,
    validate: validator.integer({ min: 0, max: 3600000 }),
  },
  WS_SUBSCRIPTION_UNRESPONSIVE_TTL: {
    description:
      'How long a WebSocket, or a stream of server-sent events, may deliver nothing usable before it is replaced by a new one (ms)',
    type: 'number',
    default: 120000,
    validate: validator.integer({ min: 1000, max: 180000 }),
  },
  WS_CONNECTION_OPEN_TIMEOUT: {
    description: "How long opening a WebSocket may take, the adapter's open handler included (ms)",
    type: 'number',
    default: 10000,
    validate: validator.integer({ min: 500, max: 30000 }),
  },
  WS_HEARTBEAT_INTERVAL_MS: {
    description:
      'Pause between two heartbeats sent to the provider, if the adapter has a heartbeat handler (ms)',
    type: 'number',
    default: 10000,
    validate: validator.integer({ min: 5000, max: 300000 }),
  },
  STREAM_HANDLER_RETRY_MIN_MS: {
    description: 'Pause after the first failed attempt to establish a stream (ms)',
    type: 'number',
    default: 100,
    validate: validator.integer({ min: 100, max: 10000 }),
  },
  STREAM_HANDLER_RETRY_MAX_MS: {
    description: 'Longest pause between two attempts to establish a stream (ms)',
    type: 'number',
    default: 1200000,
    validate: validator.integer({ min: 3000, max: 86400000 }),
  },
  STREAM_HANDLER_RETRY_EXP_FACTOR: {
    description: 'By what factor that pause grows with every further failure',
    type: 'number',
    default: 3,
    validate: validator.integer({ min: 1, max: 10 }),
  },
  COMPOSITE_TRANSPORT: {
    description: 'Let endpoints that ask for it run all of their transports as one',
    type: 'boolean',
    default: false,
  },
} as const satisfies SettingsDefinitionMap
