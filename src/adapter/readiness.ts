import { reasonBeside, told } from '../feeds/error-reason'
import { type Feed } from '../feeds/feed'
import { namesOf } from '../feeds/limits/pattern'
import { localLayerOf } from '../feeds/local-cache'
import { type AdapterResponse } from '../feeds/responses'
import { wantingTransports } from '../transports/subscription-transport'
import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { messageOf } from '../util/objects'
import { type Reason } from '../validation/reason'
import { type AnyAdapter } from './adapter'
import { type AdapterEndpoint } from './adapter-endpoint'
import { type EssentialFeeds } from './essential-feeds'
import { type AnyRequest, type EndpointGenerics } from './params'
import { storedOrNone } from './wait-for-value'
import { wantedFeeds, type WantedFeed } from './wanted-feeds'

const logger = makeLogger('Readiness')

/** How often essential feeds are asked for, whatever the TTL of subscriptions is. */
const MIN_RENEWAL_MS = 1_000
const MAX_RENEWAL_MS = 30_000

/** How many of the wanted feeds of an endpoint have a value that is served. */
export interface FreshShare {
  adapter: string
  endpoint: string
  wanted: number
  fresh: number
}

/** An essential feed that has no value to serve, and why. */
export interface MissingFeed {
  feed: string
  reason: Reason
}

/** What of an adapter decides whether the service is ready. */
export interface AdapterReadiness {
  adapter: string
  shares: FreshShare[]
  /** The share that each endpoint must have; 0: none. */
  minShare: number
  essential: number
  missing: MissingFeed[]
}

type Endpoint = AdapterEndpoint<EndpointGenerics>

const isGood = (value: Readonly<AdapterResponse> | undefined): boolean =>
  value !== undefined && value.errorMessage === undefined

/** Looks after the essential feeds of an adapter, and tells how many of all wanted feeds are fresh. */
export class Readiness {
  private readonly startedUnixMs = Date.now()
  private readonly problems = new LogLimiter()
  private readonly isMatching = new WeakMap<Feed, boolean>()
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly adapter: AnyAdapter,
    private readonly essential: EssentialFeeds,
  ) {}

  /** Keeps the feeds wanted that are declared as requests. Without that, a service that gets no requests before it is ready never would be. */
  start(): void {
    const { requests } = this.essential
    if (requests.length === 0) return
    const ttls = requests.flatMap((request) =>
      wantingTransports(this.placeOf(request).transport).map(({ subscriptionTtl }) => subscriptionTtl),
    )
    const everyMs = Math.max(MIN_RENEWAL_MS, Math.min(MAX_RENEWAL_MS, ...ttls.map((ttl) => ttl / 3)))
    this.renew()
    this.timer = setInterval(() => this.renew(), everyMs)
    this.timer.unref()
  }

  stop(): void {
    clearInterval(this.timer)
  }

  async look(): Promise<AdapterReadiness> {
    const { adapter, essential } = this
    const named = await Promise.all(essential.requests.map((request) => this.missing(request)))
    const found = named.filter((one) => one !== undefined)
    const shares: FreshShare[] = []
    let count = named.length
    for (const endpoint of adapter.endpoints) {
      // A process that only reads does not know what the others have.
      if (adapter.settings.EA_MODE === 'reader') break
      const feeds = await wantedFeeds(endpoint)
      const share = { adapter: adapter.name, endpoint: endpoint.name, wanted: feeds.length, fresh: 0 }
      for (const wanted of feeds) {
        const isFresh = this.isFresh(wanted.key)
        if (isFresh) share.fresh++
        if (!this.isEssential(endpoint, wanted)) continue
        count++
        const missing = isFresh ? undefined : await this.missing(requestFor(endpoint, wanted))
        if (missing !== undefined) found.push(missing)
      }
      shares.push(share)
    }
    const { READY_MIN_FRESH_SHARE: minShare } = adapter.settings
    return { adapter: adapter.name, shares, minShare, essential: count, missing: found }
  }

  private isFresh(key: string): boolean {
    return isGood(localLayerOf(this.adapter.cache)?.read(key)?.value)
  }

  /** Whether a pattern names a feed that has had a value: one that clients misspell never has, and must not make the service unready. */
  private isEssential({ name, aliases, responseCache }: Endpoint, wanted: WantedFeed): boolean {
    const { matchers, requests } = this.essential
    if (matchers.length === 0) return false
    const feed = responseCache?.feed(wanted.transportName, wanted.params)
    if (feed === undefined || (feed.lastSet === undefined && !this.isFresh(wanted.key))) return false
    let isMatching = this.isMatching.get(feed)
    if (isMatching === undefined) {
      const names = namesOf({
        adapter: this.adapter.name,
        endpoints: [name, ...(aliases ?? [])],
        feed: feed.name,
      })
      isMatching =
        matchers.some((matches) => names.some(matches)) &&
        !requests.some(({ requestContext }) => requestContext.cacheKey === wanted.key)
      this.isMatching.set(feed, isMatching)
    }
    return isMatching
  }

  /** Undefined where it has a value. */
  private async missing(request: AnyRequest): Promise<MissingFeed | undefined> {
    const { adapter, startedUnixMs } = this
    const { cacheKey, data, transportName } = request.requestContext
    const { endpoint, transport } = this.placeOf(request)
    const value = await storedOrNone(adapter.cache, cacheKey)
    if (isGood(value)) return undefined
    const feed = endpoint.responseCache?.feed(transportName, data)
    const said =
      value === undefined ? await adapter.reasonOf(request, transport, feed) : reasonBeside(told(value))
    const nothing = { code: 'NO_DATA_YET', message: 'No value has come yet', sinceUnixMs: startedUnixMs }
    const name = [adapter.name.toLowerCase(), endpoint.name, feed?.name ?? cacheKey].join(':')
    return { feed: name, reason: said ?? nothing }
  }

  private renew(): void {
    for (const request of this.essential.requests) void this.keepWanted(request)
  }

  /** Never rejects. */
  private async keepWanted(request: AnyRequest): Promise<void> {
    try {
      await this.placeOf(request).transport.registerRequest?.(request, this.adapter.settings)
    } catch (err) {
      const { cacheKey } = request.requestContext
      this.problems.run(cacheKey, (repeated) => {
        named(logger, this.adapter).warn(
          { err, repeated },
          `An essential feed could not be kept wanted: ${messageOf(err)}`,
        )
      })
    }
  }

  private placeOf({ requestContext: { endpointName, transportName } }: AnyRequest) {
    const endpoint = this.adapter.endpointsMap[endpointName]!
    return { endpoint, transport: endpoint.transportRoutes.get(transportName) }
  }
}

const requestFor = ({ name }: Endpoint, { key, transportName, params }: WantedFeed): AnyRequest => {
  const requestContext = { endpointName: name, transportName, data: params, cacheKey: key }
  return { requestContext } as unknown as AnyRequest
}
