import { EventEmitter } from 'node:events'
import { type Redis } from 'ioredis'
import { type Cache } from '../feeds/cache'
import { CacheFactory } from './cache-factory'
import { type ReasonSwitch } from '../feeds/error-reason'
import { type Feed } from '../feeds/feed'
import { FeedRooms } from '../feeds/feed-rooms'
import { localLayerOf } from '../feeds/local-cache'
import { FeedLimits } from '../feeds/limits/feed-limits'
import { closeRedisClient, buildRedisClient } from '../redis/redis-client'
import { type AdapterResponse } from '../feeds/responses'
import { type AdapterConfig, type AnyConfig, emptyConfig } from '../config/adapter-config'
import { refusal } from '../config/config-error'
import {
  type AdapterSettings,
  type BaseAdapterSettings,
  type SettingsDefinitionMap,
} from '../config/settings'
import { isErrorOfRedis } from '../redis/redis-command'
import { type RedisSpentStore } from '../redis/redis-spent-store'
import { metrics } from '../metrics/registry'
import { RateLimiterFactory, type RateLimitingStrategy } from '../outbound-http/rate-limiter-factory'
import { SubscriptionSetFactory } from './subscription-set-factory'
import { Requester } from '../outbound-http/requester'
import { capacityReason, refusedAtOnce, registersAsUsual } from '../transports/subscription-transport'
import { type AdapterDependencies, type AdapterRequest, type Transport } from '../transports/transport'
import { deepCopy } from '../util/deep-copy'
import { Departure } from '../util/departure'
import { Heartbeats } from '../util/heartbeats'
import { callersHome } from '../util/owner'
import { type Restarted } from './restarted'
import { belongsTo, named } from '../util/line-owner'
import { LoggerFactoryProvider, makeLogger } from '../util/logging'
import { bareRecord } from '../util/objects'
import { isOurs } from '../util/overridden'
import { wellShaped } from '../util/shape'
import { type AdapterError, AdapterTimeoutError } from '../validation/errors'
import { type Reason } from '../validation/reason'
import { type EmptyInputParameters } from '../validation/input-parameters'
import { type AdapterEndpoint } from './adapter-endpoint'
import { allocateRateLimits } from './allocations'
import { refuseMistakes, warnOfCode } from './code-mistakes'
import { passFloorMs, rateLimitTierOf } from './rate-limit-tier'
import { type AdapterParams, type AdapterRateLimitingConfig, type EndpointGenerics } from './params'
import { hasSay } from './pure'
import { essentialFeedsOf } from './essential-feeds'
import { Readiness } from './readiness'
import { adapterShape, endpointsIn } from './shapes'
import { PollingStats } from './polling-stats'
import { rememberSpent } from './spent-budget'
import { modeProblem, withAllProblems } from './settings-problems'
import { warnOfSettings } from './settings-warnings'
import { watchUselessness } from './useless'
import { reasonFor, responseOrNone, waitForValue, type Watch } from './wait-for-value'
import { mayOthersWrite, writerLock } from './writer-lock'

const logger = makeLogger('Adapter')

const NO_VALUE_YET =
  'The EA has not received any values from the Data Provider for the requested data yet. Retry after a short delay, and if the problem persists raise this issue in the relevant channels.'

type Request = AdapterRequest<EmptyInputParameters>

type ReasonOf = (
  req: Request,
  transport: Transport<EndpointGenerics>,
  feed: Feed | undefined,
) => Reason | undefined | Promise<Reason | undefined>

/** An adapter with any settings of its own. Code that serves and runs adapters uses this type; every `Adapter<T>` has it. */
export interface AnyAdapter extends Omit<Adapter, 'config'> {
  config: AnyConfig
}

/** A service for one data provider: its endpoints, its settings and its dependencies (contract 3.1). */
export class Adapter<CustomSettings extends SettingsDefinitionMap = SettingsDefinitionMap> implements Omit<
  AdapterParams<CustomSettings>,
  'bootstrap'
> {
  name: Uppercase<string>
  defaultEndpoint?: string
  endpoints: AdapterEndpoint<EndpointGenerics>[]
  envDefaultOverrides?: Partial<BaseAdapterSettings>
  rateLimiting?: AdapterRateLimitingConfig
  envVarsPrefix?: string
  initialized = false
  /** By name and by alias. It has no prototype, because a request may name an endpoint `constructor`. */
  endpointsMap = bareRecord<AdapterEndpoint<EndpointGenerics>>()
  dependencies!: AdapterDependencies
  config: AdapterConfig<CustomSettings>
  /** Emits `onClose` when the adapter stops. */
  shutdownNotifier = new EventEmitter()
  lockAcquiredPromise?: Promise<boolean>
  /**
   * Whether answers say why there is no value, and come at once where waiting is useless. False in tests on the contract's harness, which
   * compare whole bodies and count on the whole wait (contract 16.6).
   */
  givesReasons = true
  /** Whether data providers are spared beyond the contract. False there, too: such tests have recorded what is sent when. */
  isCourteous = true
  /** The folder of the code that made it, by which what its author's code throws late is known. */
  readonly home = callersHome()
  /** How often it was restarted for what its author's code threw late; undefined if never. */
  restarted: (() => Restarted | undefined) | undefined
  /** The loops of its background work (LC-1). */
  readonly loops = new Heartbeats()
  /** Gives that reason. It is replaced where the transports run in another process. */
  reasonOf: ReasonOf = (req, transport, feed) =>
    capacityReason(transport, req.requestContext.cacheKey, req.requestContext.data) ??
    reasonFor(transport, feed?.absence, req.requestContext.data)
  /** Watches whether waiting for a value is useless, and tells why. It is replaced there, too. */
  watchWait: (
    req: Request,
    transport: Transport<EndpointGenerics>,
    limitMs: number,
    tell: (reason: Reason) => void,
  ) => () => void = ({ requestContext: { data } }, transport, limitMs, tell) =>
    watchUselessness(transport, data, limitMs, tell)
  /** Which of its feeds decide whether it is ready. Undefined before {@link initialize}. */
  readiness: Readiness | undefined
  private readonly waitsEnd = new Departure()
  private ownRedisClient?: Redis
  private spentStore: RedisSpentStore | undefined
  private polling!: PollingStats
  private readonly bootstrap?: (adapter: Adapter<CustomSettings>) => Promise<void>

  /** Reads the environment, so that the settings exist as soon as the adapter does. */
  constructor(given: AdapterParams<CustomSettings>) {
    const params = wellShaped<AdapterParams<CustomSettings>>(this, given, adapterShape, {
      name: '',
      endpoints: endpointsIn(given),
    })
    this.name = params.name
    this.defaultEndpoint = params.defaultEndpoint?.toLowerCase()
    this.endpoints = params.endpoints as AdapterEndpoint<EndpointGenerics>[]
    this.rateLimiting = params.rateLimiting
    this.bootstrap = params.bootstrap
    this.config = params.config ?? emptyConfig()
    this.config.initialize()
    for (const endpoint of this.endpoints) {
      endpoint.name = endpoint.name.toLowerCase()
      endpoint.aliases = endpoint.aliases?.map((alias) => alias.toLowerCase())
    }
    allocateRateLimits(this.endpoints)
  }

  /**
   * Validates the settings, builds what the caller did not inject, and initializes every endpoint.
   *
   * @throws Error when called twice, when the name is not in upper case, and when two endpoints share a name or alias; ConfigError with all
   * mistakes in its code, or with all bad settings
   */
  async initialize(dependencies?: Partial<AdapterDependencies>): Promise<void> {
    LoggerFactoryProvider.set(dependencies?.loggerFactory)
    if (this.initialized) throw new Error('This adapter has already been initialized!')
    for (const thing of [this, this.settings]) belongsTo(thing, { adapter: this.name })
    refuseMistakes(this)
    if (this.name !== this.name.toUpperCase()) throw new Error('Adapter name must be uppercase')
    metrics.initialize()
    metrics.begin(this.name)
    // What follows may log, or fail with the words of an author or of Redis. Done again at the end, because `bootstrap` may change settings.
    this.config.hideSecrets(this.name)
    await this.checkSettings()
    this.polling = new PollingStats(this.name)
    warnOfSettings(this.settings)
    warnOfCode(this)
    await this.bootstrap?.(this)
    const limited = await this.withFeedLimits(dependencies)
    this.dependencies = this.initializeDependencies(limited)
    limited?.feedLimits?.start(this.loops)
    try {
      await this.initializeEndpoints()
      this.readiness = new Readiness(this, essentialFeedsOf(this))
    } catch (error) {
      await this.disconnect()
      throw error
    }
    this.lockAcquiredPromise = writerLock(this)
    this.config.buildCensorList(this.name)
    this.initialized = true
  }

  /** @throws ConfigError with all problems; a plain Error for a single one where the contract demands it */
  private async checkSettings(): Promise<void> {
    try {
      this.config.validate()
    } catch (error) {
      throw await withAllProblems(this, error)
    }
  }

  /** @throws ConfigError for limits that cannot be used */
  private async withFeedLimits(
    dependencies: Partial<AdapterDependencies> | undefined,
  ): Promise<Partial<AdapterDependencies> | undefined> {
    const { FEED_LIMITS, GUARD_POLICY } = this.settings
    if (!FEED_LIMITS) return dependencies
    if (GUARD_POLICY === 'off')
      named(logger, this).warn('FEED_LIMITS has no effect, because GUARD_POLICY is off')
    const feedLimits = await FeedLimits.open(FEED_LIMITS, this.name, this.config.variableOf('FEED_LIMITS'))
    this.shutdownNotifier.once('onClose', () => feedLimits.stop())
    return { ...dependencies, feedLimits }
  }

  private async initializeEndpoints(): Promise<void> {
    for (const endpoint of this.endpoints) {
      for (const name of [endpoint.name, ...(endpoint.aliases ?? [])]) {
        if (this.endpointsMap[name] !== undefined) throw new Error(`Duplicate endpoint / alias: "${name}"`)
        this.endpointsMap[name] = endpoint
      }
      await endpoint.initialize(this.name, this.dependencies, this.settings)
      // An author's endpoint may have a response cache of its own making.
      const { reasons }: { reasons?: ReasonSwitch } = endpoint.responseCache ?? {}
      if (reasons !== undefined) reasons.areGiven = this.givesReasons
    }
  }

  /** Answers all requests that wait for a value as if their time were over. Later ones do not wait. */
  endWaits(): void {
    this.waitsEnd.leave()
  }

  /**
   * Closes the connection to Redis if this adapter made it, and stops the metrics and limits. Resolves when that is done; never rejects.
   */
  async disconnect(): Promise<void> {
    this.polling.stop()
    this.dependencies.feedLimits?.stop()
    await this.spentStore?.close()
    if (this.ownRedisClient !== undefined) await closeRedisClient(this.ownRedisClient)
  }

  initializeDependencies(injected?: Partial<AdapterDependencies>): AdapterDependencies {
    const dependencies = { ...injected }
    const { settings } = this
    const problem = modeProblem(this.config)
    if (problem !== undefined) throw refusal([problem])
    if (settings.CACHE_TYPE === 'redis' && dependencies.redisClient === undefined)
      dependencies.redisClient = this.ownRedisClient = buildRedisClient(settings, this.name)
    const { redisClient } = dependencies
    dependencies.cache ??= CacheFactory.buildCache(
      { cacheType: settings.CACHE_TYPE, maxSizeForLocalCache: settings.CACHE_MAX_ITEMS },
      redisClient,
    )
    const app = { app_name: this.name }
    const local = localLayerOf(dependencies.cache)
    if (local !== undefined) local.owner = app
    const tier = rateLimitTierOf(settings, this.rateLimiting)
    const courtesy = { passMs: dependencies.rateLimiter === undefined ? passFloorMs(tier) : 0 }
    dependencies.rateLimiter ??= RateLimiterFactory.buildRateLimiter(
      settings.RATE_LIMITING_STRATEGY as RateLimitingStrategy,
    ).initialize(this.endpoints, tier)
    const { wanted } = (dependencies.feedRooms ??= new FeedRooms())
    dependencies.subscriptionSetFactory ??= new SubscriptionSetFactory(
      settings,
      this.name,
      redisClient,
      wanted,
    )
    if (this.isCourteous) this.spentStore = rememberSpent(this, dependencies)
    dependencies.requester ??= new Requester(
      dependencies.rateLimiter,
      settings,
      this.isCourteous ? courtesy : undefined,
      app,
    )
    const { cache, requester } = dependencies
    for (const thing of [cache, requester, redisClient])
      if (thing !== undefined) belongsTo(thing, { adapter: this.name })
    return dependencies as AdapterDependencies
  }

  async findResponseInCache(req: Request): Promise<Readonly<AdapterResponse> | undefined> {
    const response = await this.lookUp(req.requestContext.cacheKey)
    if (response !== undefined) this.recordHit(req)
    return response
  }

  /** CA-4: a process that gets its values from the provider itself can work without the shared store. One that only reads cannot. */
  private async lookUp(key: string): Promise<Readonly<AdapterResponse> | undefined> {
    try {
      return responseOrNone(await this.cache.get(key))
    } catch (error) {
      if (this.settings.EA_MODE === 'reader' || !isErrorOfRedis(error)) throw error
      return undefined
    }
  }

  /** Runs the endpoint's own output validation. Only an error that it throws has an effect (contract 17.6). */
  validateOutput(req: Request, output: Readonly<AdapterResponse>): AdapterError | undefined {
    return this.endpointsMap[req.requestContext.endpointName]?.customOutputValidation?.(output)
  }

  async handleRequestWithValidation(
    req: Request,
    replySent: Promise<unknown>,
  ): Promise<Readonly<AdapterResponse>> {
    const handled = await this.handleRequest(req, replySent)
    if (handled.errorMessage) return handled
    // ID-5: a validator may change the object that it gets. That must change this answer only, not what others get from the cache.
    const response = this.isValidatedByAuthor(req) ? deepCopy(handled) : handled
    this.validateOutput(req, response)
    return response
  }

  /**
   * The answer to one request, in the order of contract 6.6.
   *
   * @param replySent - resolves when the client has its answer
   */
  async handleRequest(req: Request, replySent: Promise<unknown>): Promise<Readonly<AdapterResponse>> {
    const cached = await this.findResponseInCache(req)
    const transport = this.transportOf(req)
    const { cacheKey, data } = req.requestContext
    if (cached !== undefined) {
      void replySent.then(() => this.register(transport, req))
      return this.handedOut(cached)
    }
    const refused = refusedAtOnce(transport, cacheKey, data)
    if (refused !== undefined) throw await this.noValue(refused)
    const registration = this.register(transport, req)
    const immediate = await transport.foregroundExecute?.(req, this.settings)
    if (immediate) return immediate
    const failure = await registration
    if (failure !== undefined) throw failure.error
    let useless: Reason | undefined
    const watch: Watch = (leave, limitMs) =>
      this.watchWait(req, transport, limitMs, (reason) => {
        const end = (mayOthers = false): void => {
          if (mayOthers) return
          useless = reason
          leave()
        }
        const mayOthers = mayOthersWrite(this)
        if (mayOthers instanceof Promise) void mayOthers.then(end)
        else end(mayOthers)
      })
    const { cache, settings, polling } = this
    const response = await waitForValue(cache, req, settings, polling, {
      watch: this.givesReasons ? watch : undefined,
      ending: this.waitsEnd,
    })
    if (response !== undefined) return this.handedOut(response)
    throw await this.noValue(useless ?? this.reasonOf(req, transport, this.feedOf(req)))
  }

  private async noValue(reason: ReturnType<ReasonOf>): Promise<AdapterTimeoutError> {
    return new AdapterTimeoutError({
      statusCode: 504,
      message: NO_VALUE_YET,
      reason: this.givesReasons ? await reason : undefined,
    })
  }

  /** True when a cached response can be sent unchanged, because neither a subclass nor an output validation can change it. */
  servesVerbatim(endpoint: AdapterEndpoint<EndpointGenerics>): boolean {
    return (
      endpoint.customOutputValidation === undefined &&
      this.changesAnswersBy === undefined &&
      isOurs(this, Adapter, 'handleRequestWithValidation', 'validateOutput', 'findResponseInCache') &&
      this.isHandledByUs()
    )
  }

  /** Whether any of the author's code may run between a request and its answer. */
  runsAuthorCode(): boolean {
    return this.endpoints.some((endpoint) => {
      const transports = endpoint.transportRoutes.entries().map(([, transport]) => transport)
      const takesRequests = transports.some(
        (transport) => transport.foregroundExecute !== undefined || !registersAsUsual(transport),
      )
      return takesRequests || !endpoint.isPure || !this.servesVerbatim(endpoint)
    })
  }

  /** The data with which `handleRequest` changes answers from the cache; undefined where they are sent unchanged. */
  get changesAnswersBy(): unknown {
    return undefined
  }

  /** The class of this framework whose `handleRequest` this adapter has. An author's subclass may have replaced that method. */
  protected get kind(): { readonly prototype: Pick<Adapter, 'handleRequest'> } {
    return Adapter
  }

  private isHandledByUs(): boolean {
    return isOurs(this, this.kind, 'handleRequest')
  }

  /** The settings that every adapter has, typed without the adapter's own. */
  get settings(): AdapterSettings {
    return this.config.settings
  }

  /** The cache of the dependencies, typed for the responses that adapters keep in it. */
  get cache(): Cache<AdapterResponse> {
    return this.dependencies.cache as Cache<AdapterResponse>
  }

  private transportOf(req: Request): Transport<EndpointGenerics> {
    const { endpointName, transportName } = req.requestContext
    return this.endpointsMap[endpointName]!.transportRoutes.get(transportName)
  }

  private feedOf(req: Request): Feed | undefined {
    const { endpointName, transportName, data } = req.requestContext
    return this.endpointsMap[endpointName]?.responseCache?.feed(transportName, data)
  }

  /** All requests share what is in the cache. If the author's code handles requests, it gets a copy, which it may change (ID-5). */
  private handedOut(response: Readonly<AdapterResponse>): Readonly<AdapterResponse> {
    return this.isHandledByUs() ? response : deepCopy(response)
  }

  private isValidatedByAuthor({ requestContext }: Request): boolean {
    return (
      !isOurs(this, Adapter, 'validateOutput') ||
      hasSay(this.endpointsMap[requestContext.endpointName]?.customOutputValidation)
    )
  }

  /** Never rejects: a failed registration is logged and returned. */
  private async register(
    transport: Transport<EndpointGenerics>,
    req: Request,
  ): Promise<{ error: unknown } | undefined> {
    try {
      await transport.registerRequest?.(req, this.settings)
      return undefined
    } catch (error) {
      const endpoint = this.endpointsMap[req.requestContext.endpointName] ?? this
      named(logger, endpoint).error({ err: error }, `Error registering request: ${String(error)}`)
      return { error }
    }
  }

  private recordHit(req: Request): void {
    const context = req.requestContext
    const metricsMeta = { ...context.meta?.metrics, cacheHit: true }
    context.meta = { ...context.meta, metrics: metricsMeta }
    const feed = this.feedOf(req)
    if (feed === undefined || feed.key !== context.cacheKey) return
    feed.lastHitAt = Date.now()
    feed.gets++
  }
}
