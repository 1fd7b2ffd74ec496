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

/** Settings of an adapter's own; a base setting's name cannot be taken. */
export type CustomAdapterSettings = SettingsDefinitionMap & { [K in keyof BaseAdapterSettings]?: never }

export interface AdapterRateLimitingConfig {
  tiers: Record<string, AdapterRateLimitTier>
  requireTierSelection?: boolean
}

export interface EndpointRateLimitingConfig {
  /** Percent of the adapter's budget; checked, not enforced. */
  allocationPercentage: number
}

/** Changes a validated request before its feed is looked up. Runs on every request with the same body unless it is {@link pure}. */
export type RequestTransform<T extends EndpointGenerics> = (req: Request<T>, settings: T['Settings']) => void

/** Returns or throws what is wrong with a request beyond its parameters' types. */
export type CustomInputValidator<T extends EndpointGenerics> = (
  input: Request<T>,
  adapterSettings: T['Settings'],
) => AdapterError | undefined

/** Must throw to have an effect (contract 17.6). */
export type CustomOutputValidator = (output: Readonly<AdapterResponse>) => AdapterError | undefined

export interface AdapterParams<CustomSettings extends SettingsDefinitionMap> {
  /** In upper case; part of every cache key. */
  name: Uppercase<string>
  defaultEndpoint?: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- endpoints of one adapter differ in their types (contract 3.1)
  endpoints: AdapterEndpoint<any>[]
  rateLimiting?: AdapterRateLimitingConfig
  /** Awaited before anything is built. */
  bootstrap?: (adapter: Adapter<CustomSettings>) => Promise<void>
  config?: AdapterConfig<CustomSettings>
}

export interface BaseAdapterEndpointParams<T extends EndpointGenerics> {
  name: string
  aliases?: string[]
  inputParameters?: InputParameters<T['Parameters']>
  rateLimiting?: EndpointRateLimitingConfig
  /** Makes the whole key of a request but its prefix; whoever uses it writes the cache under `requestContext.cacheKey` itself. */
  cacheKeyGenerator?: (data: TypeFromDefinition<T['Parameters']>) => string
  customInputValidation?: CustomInputValidator<T>
  customOutputValidation?: CustomOutputValidator
  requestTransforms?: RequestTransform<T>[]
  /**
   * Whether letter case makes another feed: `USDe` and `USDE` then have keys, subscriptions and metrics of their own, and `eth` is a feed
   * that a provider of `ETH` may not know, unless a request transform gives both one name. Default false, as in the reference framework:
   * keys are in lower case, and both get the price of one.
   */
  caseSensitive?: boolean
  /** Symbols to replace in `base`, unless the request overrides them. */
  overrides?: Record<string, string>
  /** Checks that values must pass to be served; see {@link GuardOptions}. Absent: only what is no number is refused. */
  guards?: GuardOptions
  /** For how long its values are fresh, whatever `CACHE_MAX_AGE` allows; see {@link Freshness}. */
  freshness?: Freshness
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
