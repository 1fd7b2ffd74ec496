import { type AnswerForm } from '../feeds/answer-form'
import { checkGuardPolicy } from '../feeds/guard-policy'
import { type GuardOptions } from '../feeds/guards'
import { type TimestampedProviderResult } from '../feeds/responses'
import { SimpleResponseCache } from '../feeds/simple-response-cache'
import { type AdapterSettings } from '../config/settings'
import { CompositeTransport } from '../transports/composite-transport'
import { DEFAULT_TRANSPORT_NAME, TransportRoutes } from '../transports/routes'
import { type AdapterDependencies, type AdapterRequest } from '../transports/transport'
import { getCanonicalAdapterName } from '../util/adapter-name'
import { belongsTo, named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { memberOf } from '../util/objects'
import { mistakesOf, wellShaped } from '../util/shape'
import { AdapterError } from '../validation/errors'
import { InputParameters, type TypeFromDefinition } from '../validation/input-parameters'
import { overrideSymbol, overridesFor } from './overrider'
import {
  type AnyRequest,
  type AdapterEndpointInterface,
  type AdapterEndpointParams,
  type CustomInputValidator,
  type CustomOutputValidator,
  type EndpointGenerics,
  type EndpointRateLimitingConfig,
  type RequestTransform,
} from './params'
import { hasSay, pure } from './pure'
import { endpointShape } from './shapes'
import { type Freshness } from '../feeds/freshness'

const logger = makeLogger('AdapterEndpoint')

type Request<T extends EndpointGenerics> = AdapterRequest<TypeFromDefinition<T['Parameters']>>

/** One named operation of an adapter: its parameters, and the transports that supply its values (contract 4.1). */
export class AdapterEndpoint<T extends EndpointGenerics> implements AdapterEndpointInterface<T> {
  name: string
  adapterName!: string
  aliases?: string[]
  transportRoutes: TransportRoutes<T>
  inputParameters: InputParameters<T['Parameters']>
  rateLimiting?: EndpointRateLimitingConfig
  cacheKeyGenerator?: (data: TypeFromDefinition<T['Parameters']>) => string
  customInputValidation?: CustomInputValidator<T>
  customOutputValidation?: CustomOutputValidator
  requestTransforms: RequestTransform<T>[]
  overrides?: Record<string, string>
  customRouter?: (req: Request<T>, settings: T['Settings']) => string
  defaultTransport?: string
  enableCompositeTransport?: boolean
  readonly caseSensitive: boolean
  guards?: GuardOptions
  freshness?: Freshness
  essentialFeeds?: readonly Record<string, unknown>[]
  /** Values are written to it and requests are answered from it. Undefined before {@link initialize}. */
  responseCache: SimpleResponseCache<T> | undefined

  constructor(given: AdapterEndpointParams<T>) {
    const instead = { name: '', transportRoutes: new TransportRoutes<T>() }
    const params = wellShaped(this, given, endpointShape, instead)
    this.name = params.name
    this.aliases = params.aliases
    this.inputParameters = params.inputParameters ?? new InputParameters({})
    this.rateLimiting = params.rateLimiting
    this.cacheKeyGenerator = params.cacheKeyGenerator
    this.customInputValidation = params.customInputValidation
    this.customOutputValidation = params.customOutputValidation
    this.caseSensitive = params.caseSensitive ?? false
    this.overrides = params.overrides
    if (params.guards !== undefined) checkGuardPolicy(params.guards, params.name)
    this.guards = params.guards
    this.freshness = params.freshness
    if (params.essentialFeeds !== undefined) this.essentialFeeds = params.essentialFeeds
    const overrider: RequestTransform<T> = (req) => void this.symbolOverrider(req)
    this.requestTransforms = [pure(overrider), ...(params.requestTransforms ?? [])]
    if ('transport' in params) {
      this.transportRoutes = new TransportRoutes<T>().register(DEFAULT_TRANSPORT_NAME, params.transport)
      return
    }
    this.transportRoutes = params.transportRoutes
    this.customRouter = params.customRouter
    this.defaultTransport = params.defaultTransport
    this.enableCompositeTransport = params.enableCompositeTransport
    if (
      params.enableCompositeTransport &&
      this.transportRoutes.routeNames().length < 2 &&
      mistakesOf(this).length === 0
    ) {
      throw new AdapterError({
        statusCode: 400,
        message: 'Composite transport requires at least 2 transports',
      })
    }
  }

  /** Builds the endpoint's response cache and initializes its transports, one after the other. */
  async initialize(
    adapterName: string,
    dependencies: AdapterDependencies,
    adapterSettings: T['Settings'],
  ): Promise<void> {
    this.adapterName = adapterName
    const owner = { adapter: adapterName, endpoint: this.name }
    belongsTo(this, owner)
    this.responseCache = new SimpleResponseCache<T>({
      dependencies,
      adapterSettings: adapterSettings as AdapterSettings,
      adapterName,
      endpointName: this.name,
      inputParameters: this.inputParameters,
      guards: this.guards,
      freshness: this.freshness,
      fields: this.guardedFields,
      caseSensitive: this.caseSensitive,
      limits: dependencies.feedLimits,
      rooms: dependencies.feedRooms,
      aliases: this.aliases,
    })
    this.responseCache.resultValidator = this.resultValidator?.bind(this)
    if (this.enableCompositeTransport) this.compose(adapterSettings)
    for (const [name, transport] of this.transportRoutes.entries()) {
      belongsTo(transport, owner)
      await transport.initialize(
        { ...dependencies, responseCache: this.responseCache },
        adapterSettings,
        this.name,
        name,
      )
    }
  }

  /**
   * Checks every result of this endpoint before it is written, from any of its transports. It returns the result, or another one to write
   * instead, such as an error. A result for which it throws is not written (contract 18.2). A plain endpoint has no such check.
   */
  protected resultValidator?(result: TimestampedProviderResult<T>): TimestampedProviderResult<T>

  /** The fields with the numbers that every value of this kind of endpoint must have; undefined where the kind does not define them. */
  protected get guardedFields(): readonly string[] | undefined {
    return undefined
  }

  runRequestTransforms(req: Request<T>, settings: T['Settings']): void {
    for (const transform of this.requestTransforms) transform(req, settings)
  }

  /** The overrides in a request for this adapter, or for the adapter that the request names as its override. */
  getRequestOverrides(
    data: Record<string, string>,
    overrides?: unknown,
  ): { [symbol: string]: string; transport: string } | undefined {
    const name = data['adapterNameOverride'] ?? this.adapterName
    return (overridesFor(overrides, name) ?? overridesFor(overrides, this.adapterName)) as
      { [symbol: string]: string; transport: string } | undefined
  }

  symbolOverrider(req: Request<T>): Request<T> {
    overrideSymbol(req.requestContext.data, req.body, this.adapterName, this.overrides)
    return req
  }

  /**
   * Chooses the transport that answers a request (contract 4.2).
   *
   * @throws AdapterError 400 when none is chosen, or an unknown one
   */
  getTransportNameForRequest(req: Request<T>, settings: T['Settings']): string {
    const names = this.transportRoutes.routeNames()
    if (names.includes(DEFAULT_TRANSPORT_NAME)) return DEFAULT_TRANSPORT_NAME
    const chosen = this.customRouter?.(req, settings) || this.defaultRouter(req) || this.defaultTransport
    if (!chosen) {
      throw new AdapterError({
        statusCode: 400,
        message:
          'No result was fetched from a custom router, no transport was specified in the input parameters, and this endpoint does not have a default transport set.',
      })
    }
    const name = chosen.toLowerCase()
    if (!names.includes(name)) {
      throw new AdapterError({
        statusCode: 400,
        message: `No transport found for key "${name}", must be one of ${JSON.stringify(names)}`,
      })
    }
    return name
  }

  /**
   * The form in which a request's answer is written; undefined for the usual one. It is decided by what decides the request (its endpoint and
   * its data), so that all that are planned alike get the same.
   */
  formOf(_req: AnyRequest): AnswerForm | undefined {
    return undefined
  }

  /** True when equal bodies always make equal requests: the author has no code that decides about them and is not declared pure. */
  get isPure(): boolean {
    const { customRouter, customInputValidation, cacheKeyGenerator } = this
    const author = [customRouter, customInputValidation, cacheKeyGenerator, ...this.requestTransforms]
    return !author.some(hasSay)
  }

  /** Combines all transports into one, where the operator allows it (contract 10.7). */
  private compose({ COMPOSITE_TRANSPORT }: T['Settings']): void {
    if (!COMPOSITE_TRANSPORT) {
      named(logger, this).warn(
        `The endpoint "${this.name}" could combine its transports, but COMPOSITE_TRANSPORT is off: requests are routed to one of them`,
      )
      return
    }
    const composite = new CompositeTransport<T>(Object.fromEntries(this.transportRoutes.entries()))
    this.transportRoutes = new TransportRoutes<T>().register(DEFAULT_TRANSPORT_NAME, composite)
  }

  /** The transport that the raw request names: that of its overrides for this adapter, or else its `transport`. */
  private defaultRouter(req: Request<T>): string | undefined {
    const data = memberOf(req.body, 'data')
    const own = overridesFor(memberOf(data, 'overrides'), getCanonicalAdapterName(this.adapterName))
    const named = memberOf(own, 'transport') || memberOf(data, 'transport')
    if (!named) return undefined
    if (typeof named !== 'string')
      throw new AdapterError({ statusCode: 400, message: 'The transport of a request should be a string' })
    return named
  }
}
