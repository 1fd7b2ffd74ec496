import { type AdapterResponse } from '../feeds/responses'
import { type GuardOptions } from '../feeds/guards'
import { type AdapterConfig } from '../config/adapter-config'
import { type BaseAdapterSettings, type SettingsDefinitionMap } from '../config/settings'
import { type AdapterRateLimitTier } from '../outbound-http/tiers'
import { type TransportRoutes } from '../transports/routes'
import { type AdapterRequest, type Transport, type TransportGenerics } from '../transports/transport'
import { type AdapterError } from '../validation/errors'
import { type InputParameters, type TypeFromDefinition } from '../validation/input-parameters'
import { type Adapter } from './adapter'
import { type AdapterEndpoint } from './adapter-endpoint'
import { type Freshness } from '../feeds/freshness'

export type EndpointGenerics = TransportGenerics

type Request<T extends EndpointGenerics> = AdapterRequest<TypeFromDefinition<T['Parameters']>>

/** A request to any endpoint. */
export type AnyRequest = Request<EndpointGenerics>

/** The adapter's own settings. They cannot have the name of a base setting. */
export type CustomAdapterSettings = SettingsDefinitionMap & { [K in keyof BaseAdapterSettings]?: never }

export interface AdapterRateLimitingConfig {
  tiers: Record<string, AdapterRateLimitTier>
  requireTierSelection?: boolean
}

export interface EndpointRateLimitingConfig {
  /** The endpoint's share of the adapter's budget, in percent. It is checked but not enforced. */
  allocationPercentage: number
}

/** Changes a validated request before its feed is found. It runs for every request, even with the same body, unless it is {@link pure}. */
export type RequestTransform<T extends EndpointGenerics> = (req: Request<T>, settings: T['Settings']) => void

/** Returns or throws an error for a request that is wrong in other ways than the types of its parameters. */
export type CustomInputValidator<T extends EndpointGenerics> = (
  input: Request<T>,
  adapterSettings: T['Settings'],
) => AdapterError | undefined

/** It has an effect only if it throws (contract 17.6). */
export type CustomOutputValidator = (output: Readonly<AdapterResponse>) => AdapterError | undefined

export interface AdapterParams<CustomSettings extends SettingsDefinitionMap> {
  /** In upper case. It is part of every cache key. */
  name: Uppercase<string>
  defaultEndpoint?: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- endpoints of one adapter differ in their types (contract 3.1)
  endpoints: AdapterEndpoint<any>[]
  rateLimiting?: AdapterRateLimitingConfig
  /** Awaited before the dependencies are built and the endpoints are initialized. */
  bootstrap?: (adapter: Adapter<CustomSettings>) => Promise<void>
  config?: AdapterConfig<CustomSettings>
}

export interface BaseAdapterEndpointParams<T extends EndpointGenerics> {
  name: string
  aliases?: string[]
  inputParameters?: InputParameters<T['Parameters']>
  rateLimiting?: EndpointRateLimitingConfig
  /**
   * Makes the whole cache key of a request except the prefix. With it, the author's code must itself write to the cache, under
   * `requestContext.cacheKey`.
   */
  cacheKeyGenerator?: (data: TypeFromDefinition<T['Parameters']>) => string
  customInputValidation?: CustomInputValidator<T>
  customOutputValidation?: CustomOutputValidator
  requestTransforms?: RequestTransform<T>[]
  /**
   * Whether parameters that differ only in letter case are different feeds. Then `USDe` and `USDE` have their own keys, subscriptions and
   * metrics. But `eth` is also another feed than `ETH`, and the provider may not know it, unless a request transform gives both the same
   * name. Default false, as in the reference framework: keys are in lower case, and both get the price of one of them.
   */
  caseSensitive?: boolean
  /** Symbols that replace others in `base`, unless the request overrides them. */
  overrides?: Record<string, string>
  /** Checks that a value must pass to be served; see {@link GuardOptions}. If absent, only values that are not numbers are refused. */
  guards?: GuardOptions
  /** How long values are fresh, even if `CACHE_MAX_AGE` is longer; see {@link Freshness}. */
  freshness?: Freshness
  /**
   * Feeds without which the adapter is not ready, each as the `data` of a request. They are wanted from the start on, whether or not
   * somebody asks for them. An operator adds more with READY_ESSENTIAL_FEEDS.
   */
  essentialFeeds?: readonly Record<string, unknown>[]
}

type SingleTransport<T extends EndpointGenerics> = { transport: Transport<T> }

type MultiTransport<T extends EndpointGenerics> = {
  transportRoutes: TransportRoutes<T>
  customRouter?: (req: Request<T>, settings: T['Settings']) => string
  defaultTransport?: string
  enableCompositeTransport?: boolean
}

export interface AdapterEndpointInterface<T extends EndpointGenerics>
  extends BaseAdapterEndpointParams<T>, MultiTransport<T> {}

export type AdapterEndpointParams<T extends EndpointGenerics> = BaseAdapterEndpointParams<T> &
  (SingleTransport<T> | MultiTransport<T>)
