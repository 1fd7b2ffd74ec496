import { type Identify, identifierFor } from '../feeds/delta'
import { isCaseSensitive } from '../feeds/keys'
import { type KnownRoom } from '../feeds/feed-rooms'
import { fullFor, Refusing } from '../feeds/full-set'
import { ResponseCache } from '../feeds/response-cache'
import { appOf } from '../metrics/labels'
import { metrics } from '../metrics/registry'
import { ExpiringSortedSet } from '../feeds/expiring-sorted-set'
import { type SubscriptionSet } from '../feeds/subscription-set'
import { type TypeFromDefinition } from '../validation/input-parameters'
import { isOurs } from '../util/overridden'
import { type Reason } from '../validation/reason'
import { childrenOf } from './capabilities'
import {
  type AdapterRequest,
  type EndpointContext,
  type Transport,
  type TransportDependencies,
  type TransportGenerics,
} from './transport'

type Params<T extends TransportGenerics> = TypeFromDefinition<T['Parameters']>

/**
 * A transport that remembers which feeds are wanted: every request makes its feed wanted for the subscription TTL, and the background
 * handler gets the feeds that are wanted now (contract 10.3). The handler is also called with an empty list. It decides its own pace by
 * sleeping.
 */
export abstract class SubscriptionTransport<T extends TransportGenerics> implements Transport<T> {
  responseCache!: ResponseCache<T>
  subscriptionSet!: SubscriptionSet<Params<T>>
  subscriptionTtl!: number
  name!: string
  initialized = false
  /** Whether params that differ only in letter case are different feeds, as the endpoint declares. */
  protected isCaseSensitive = false
  /** Gives the identity of a feed, which differs between the feeds of the endpoint. */
  protected identityOf: Identify = identifierFor(false)
  /**
   * The list that {@link backgroundExecute} last read from the set and gave to the handler. A subclass may give the handler another list.
   */
  protected lastLook: Params<T>[] | undefined
  private refusing: Refusing | undefined

  async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    name: string,
  ): Promise<void> {
    if (this.initialized) throw new Error(`Transport ${name} has already been initialized`)
    this.initialized = true
    this.responseCache = dependencies.responseCache
    this.isCaseSensitive = isCaseSensitive(this.responseCache)
    this.identityOf = identifierFor(this.isCaseSensitive)
    this.subscriptionSet = dependencies.subscriptionSetFactory.buildSet(endpointName, name)
    this.subscriptionTtl = this.getSubscriptionTtlFromConfig(adapterSettings)
    this.name = name
    const app = appOf(this.responseCache)
    this.refusing = new Refusing({ app, endpoint: endpointName, transport: name }, this)
    const set = this.subscriptionSet
    if (set instanceof ExpiringSortedSet && 'setWanted' in this.responseCache)
      this.responseCache.setWanted(name, (key) => set.has(key))
  }

  async registerRequest(req: AdapterRequest<Params<T>>, _settings: T['Settings']): Promise<void> {
    await this.want(req.requestContext.data, req.requestContext.cacheKey)
  }

  /** What was wanted when its last pass began; nothing before the first. */
  get wantedAtLastPass(): readonly Params<T>[] {
    return this.lastLook ?? []
  }

  /** The room for what is known of feeds; undefined before there is one, and with a test's cache. */
  protected get knownRoom(): KnownRoom | undefined {
    return this.responseCache instanceof ResponseCache ? this.responseCache.rooms.known : undefined
  }

  /** Keeps a feed wanted for the subscription TTL from now on. A new one is not taken while as many are wanted as may be. */
  want(params: Params<T>, key: string): void | Promise<void> {
    if (this.refusalOf(key, params) === undefined)
      return this.subscriptionSet.add(params, this.subscriptionTtl, key)
  }

  /** Why a feed cannot become wanted; undefined where it can, or is. A refusal is counted. */
  refusalOf(key: string, params: object): Reason | undefined {
    return this.refusing?.refusal(this.subscriptionSet, key, params)
  }

  async backgroundExecute(context: EndpointContext<T>): Promise<void> {
    const entries = await this.subscriptionSet.getAll()
    this.lastLook = entries
    if (this.responseCache instanceof ResponseCache) this.responseCache.noteWanted(this.name, entries)
    metrics.get('bgExecuteSubscriptionSetCount').set(
      {
        ...appOf(this.responseCache),
        adapter_endpoint: context.endpointName,
        transport_type: this.constructor.name,
        transport: this.name,
      },
      entries.length,
    )
    await this.backgroundHandler(context, entries)
  }

  /** Does the work for the feeds that are wanted now. */
  abstract backgroundHandler(context: EndpointContext<T>, entries: Params<T>[]): Promise<void>

  /** How long one request keeps its feed wanted, in ms. */
  abstract getSubscriptionTtlFromConfig(adapterSettings: T['Settings']): number
}

/** Whether a request runs none of the author's code in this transport: it keeps its feed wanted, or does nothing. */
export const registersAsUsual = <T extends TransportGenerics>(transport: Transport<T>): boolean => {
  const children = childrenOf(transport)
  if (children !== undefined) return [...children.values()].every((child) => registersAsUsual(child))
  return (
    transport.registerRequest === undefined ||
    (transport instanceof SubscriptionTransport &&
      isOurs(transport, SubscriptionTransport, 'registerRequest'))
  )
}

/** The transports in which a request keeps its feed wanted, for a transport that {@link registersAsUsual}. */
export const wantingTransports = <T extends TransportGenerics>(
  transport: Transport<T>,
): SubscriptionTransport<T>[] => {
  const children = childrenOf(transport)
  if (children !== undefined) return [...children.values()].flatMap((child) => wantingTransports(child))
  return transport instanceof SubscriptionTransport ? [transport as SubscriptionTransport<T>] : []
}

/** Why no part of a transport can take a feed that is new to it; undefined where one can, or has it. */
export const capacityReason = (
  transport: Transport<TransportGenerics>,
  key: string,
  params: object,
): Reason | undefined => {
  const reasons = wantingTransports(transport).map(({ subscriptionSet }) =>
    fullFor(subscriptionSet, key, params),
  )
  return reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined
}

/** The same, before the request is registered, and counted. Where the author's code registers it, that decides. */
export const refusedAtOnce = (
  transport: Transport<TransportGenerics>,
  key: string,
  params: object,
): Reason | undefined => {
  if (transport.foregroundExecute !== undefined || !registersAsUsual(transport)) return undefined
  const reason = capacityReason(transport, key, params)
  return reason && wantingTransports(transport).map((one) => one.refusalOf(key, params))[0]
}
