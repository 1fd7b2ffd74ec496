import { type FeedRooms } from '../feeds/feed-rooms'
import { type EventSource } from 'eventsource'
import { type FastifyRequest } from 'fastify'
import { type Redis } from 'ioredis'
import { type Cache } from '../feeds/cache'
import { type FeedLimits } from '../feeds/limits/feed-limits'
import { type ResponseCache } from '../feeds/response-cache'
import { type AdapterRequestMeta, type AdapterResponse, type ResponseGenerics } from '../feeds/responses'
import { type BaseAdapterSettings } from '../config/settings'
import { type RateLimiter } from '../outbound-http/rate-limiter'
import { type SubscriptionSets } from '../feeds/subscription-set'
import { type LoggerFactory } from '../util/logging'
import {
  type InputParameters,
  type InputParametersDefinition,
  type TypeFromDefinition,
} from '../validation/input-parameters'
import { type Requester } from '../outbound-http/requester'

declare module 'fastify' {
  interface FastifyRequest {
    requestContext: AdapterRequestContext<unknown>
  }
}

export type AdapterRequestContext<T> = {
  /** Canonical name of the endpoint, in lower case. */
  endpointName: string
  /** The name or alias the client used, in lower case. */
  requestEndpointName: string
  transportName: string
  cacheKey: string
  data: T
  meta?: AdapterRequestMeta
}

type EmptyBody = Record<string, never>

export type AdapterRouteGeneric = { Body: EmptyBody }

/** A request to a transport: the server's request with the validated parameters in `requestContext`. */
export type AdapterRequest<T> = FastifyRequest<AdapterRouteGeneric> & {
  body: EmptyBody
  requestContext: AdapterRequestContext<T>
}

/** The types that belong to one endpoint (contract 2.2). */
export type TransportGenerics = {
  Parameters: InputParametersDefinition
  Response: ResponseGenerics
  Settings: BaseAdapterSettings
}

/** The objects from which an adapter's parts are built. Tests may inject any of them. */
export interface AdapterDependencies {
  cache: Cache
  /** Decides when the requester may send the next request. */
  rateLimiter: RateLimiter
  subscriptionSetFactory: SubscriptionSets
  /** Exists only with `CACHE_TYPE=redis`, unless injected. */
  redisClient: Redis
  /** Sends HTTP requests to providers, within the adapter's rate limit. */
  requester: Requester
  /** The class for server-sent events; that of the `eventsource` package unless injected. */
  eventSource: typeof EventSource
  loggerFactory: LoggerFactory
  /** The operator's rules for single feeds. Exists only with `FEED_LIMITS`. */
  feedLimits?: FeedLimits | undefined
  /** What may be known and wanted of feeds, in bytes. Its own unless injected. */
  feedRooms?: FeedRooms
}

export type TransportDependencies<T extends TransportGenerics> = AdapterDependencies & {
  responseCache: ResponseCache<T>
}

/** Passed to every background execution and to every callback of a transport. There is one object for each endpoint and transport. */
export interface EndpointContext<T extends TransportGenerics> {
  endpointName: string
  inputParameters: InputParameters<T['Parameters']>
  adapterSettings: T['Settings']
  /** Present where params that differ only in letter case are different feeds, as the endpoint declares. */
  caseSensitive?: true
}

/** Gets values for the feeds of an endpoint (contract 10.1). */
export interface Transport<T extends TransportGenerics> {
  name: string
  responseCache: ResponseCache<T>
  initialize: (
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    transportName: string,
  ) => Promise<void>
  /** Called for every request, whether or not it is answered from the cache. */
  registerRequest?: (
    req: AdapterRequest<TypeFromDefinition<T['Parameters']>>,
    adapterSettings: T['Settings'],
  ) => Promise<void>
  /** Called for a request that the cache cannot answer. What it returns, if anything, is the answer. */
  foregroundExecute?: (
    req: AdapterRequest<TypeFromDefinition<T['Parameters']>>,
    adapterSettings: T['Settings'],
  ) => Promise<AdapterResponse<{ Data: T['Response']['Data']; Result: T['Response']['Result'] }> | void>
  /** Called repeatedly while the adapter runs. */
  backgroundExecute?: (context: EndpointContext<T>) => Promise<void>
  /** Called once when the adapter stops. It must close all sockets and timers. */
  shutdown?: () => Promise<void>
}
