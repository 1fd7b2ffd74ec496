import { commonReason } from '../feeds/error-reason'
import { Merge, type SourceSwitch } from '../feeds/merge'
import { mergedResponseCache } from '../feeds/merged-source'
import { Patience } from '../feeds/patience'
import { type ResponseCache } from '../feeds/response-cache'
import { appOf, statusLabel } from '../metrics/labels'
import { metrics } from '../metrics/registry'
import { LogLimiter } from '../util/log-limiter'
import { belongsTo, named, ownerOf } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { memberOf } from '../util/objects'
import { type TypeFromDefinition } from '../validation/input-parameters'
import { isTrouble, type Reason } from '../validation/reason'
import {
  CHILDREN,
  FEED_OUTAGE,
  OUTAGE,
  outageOf,
  SEEN,
  seenOf,
  STALL,
  type Stall,
  standbyOf,
  wakeSignalOf,
} from './capabilities'
import { commonStall } from './stall'
import {
  type AdapterRequest,
  type EndpointContext,
  type Transport,
  type TransportDependencies,
  type TransportGenerics,
} from './transport'
import { instant } from '../util/clock'

const logger = makeLogger('CompositeTransport')

/**
 * A stream is in doubt for a feed when it has sent nothing for it during this part of the time for which a value may be served. That is
 * early enough for the other transports to get a value before the old one expires, and late enough that a quiet market causes no requests.
 */
const SILENCE_SHARE = 1 / 3

/** A child that the provider sends values to ranks before one that has to poll. */
const tierOf = (transport: object): number => (standbyOf(transport) === undefined ? 0 : 1)

/**
 * Several transports that act as one (contract 10.7). All of them have the endpoint's feeds, and the value that is served is merged from
 * theirs. They rank in the order in which they are given, but those that poll the provider come after all streams. While a stream fills a
 * feed, no polling transport requests it (FO-6). Each child runs alone, so that none waits for another: the runner runs the children
 * instead of this transport.
 */
export class CompositeTransport<T extends TransportGenerics> implements Transport<T> {
  name!: string
  responseCache!: ResponseCache<T>
  readonly [CHILDREN]: ReadonlyMap<string, Transport<T>>
  private readonly running = new Map<string, Promise<void>>()
  /** In the order of their rank. */
  private readonly sources: [string, Transport<T>][]
  private merge: Merge | undefined
  private patience: Patience | undefined
  private readonly rousers: (() => void)[] = []
  private readonly limiter = new LogLimiter()
  private endpointName = ''

  constructor(private readonly transports: Record<string, Transport<T>>) {
    this[CHILDREN] = new Map(Object.entries(transports))
    this.sources = this.children.sort(([, a], [, b]) => tierOf(a) - tierOf(b))
  }

  /** Why there may be no value, from all children that give a reason. */
  get [OUTAGE](): Reason | undefined {
    return this.reasonOfAll(undefined)
  }

  /** The same for one feed. */
  [FEED_OUTAGE](params: object): Reason | undefined {
    return this.reasonOfAll(params)
  }

  [STALL](params: object): Stall | undefined {
    return commonStall(this.children, params)
  }

  [SEEN](params: object): Reason | undefined {
    const seen = this.children.flatMap(([name, child]) => {
      const reason = seenOf(child, params)
      return reason === undefined ? [] : [{ name, reason }]
    })
    return commonReason(seen, isTrouble)
  }

  /** Initializes all children at once, each with its own name and its own response cache. */
  async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    transportName: string,
  ): Promise<void> {
    this.name = transportName
    this.responseCache = dependencies.responseCache
    this.endpointName = endpointName
    const owner = ownerOf(this)
    if (owner !== undefined) for (const [, child] of this.children) belongsTo(child, owner)
    const merge = this.mergeFor(adapterSettings)
    await Promise.all(
      this.children.map(async ([name, child]) => {
        const rank = this.sources.findIndex(([source]) => source === name)
        const responseCache = mergedResponseCache(transportName, this.responseCache, merge, rank)
        await child.initialize({ ...dependencies, responseCache }, adapterSettings, endpointName, name)
      }),
    )
    this.stationChildren(merge)
  }

  /** Resolves when one child has registered the request or all have failed to. A child that hangs does not delay the client. */
  async registerRequest(
    req: AdapterRequest<TypeFromDefinition<T['Parameters']>>,
    adapterSettings: T['Settings'],
  ): Promise<void> {
    const key = memberOf(req.requestContext, 'cacheKey')
    if (typeof key === 'string' && this.merge?.knows(key) === false) this.patience?.begin(key)
    const registrations = this.children
      .filter(([, child]) => child.registerRequest !== undefined)
      .map(([name, child]) =>
        this.succeeds(name, 'register a request', () => child.registerRequest?.(req, adapterSettings)),
      )
    const registered = registrations.map(async (registration) => {
      if (!(await registration)) throw new Error('Not registered')
    })
    await Promise.any(registered).catch(() => {})
  }

  /** For callers that do not know about children: runs each child once, except those that are still busy with their last run. */
  async backgroundExecute(context: EndpointContext<T>): Promise<void> {
    await Promise.all(
      this.children.map(async ([name, child]) => {
        if (child.backgroundExecute === undefined) return
        const current = this.running.get(name)
        if (current !== undefined) return current
        const run = this.succeeds(name, 'execute in the background', () => child.backgroundExecute?.(context))
        const ended = run.then(() => void this.running.delete(name))
        this.running.set(name, ended)
        return ended
      }),
    )
  }

  async shutdown(): Promise<void> {
    this.patience?.stop()
    await Promise.all(
      this.children.map(([name, child]) => this.succeeds(name, 'shut down', () => child.shutdown?.())),
    )
  }

  private get children(): [string, Transport<T>][] {
    return Object.entries(this.transports)
  }

  private mergeFor({
    CACHE_MAX_AGE,
    CACHE_POLLING_MAX_RETRIES: retries,
    CACHE_POLLING_SLEEP_MS: pauseMs,
  }: T['Settings']): Merge {
    const livesMs = Math.min(CACHE_MAX_AGE, this.responseCache.guards?.maxAgeMs ?? Infinity)
    const tierOfRank = (rank: number): number => tierOf(this.sources[rank]![1])
    // contract 6.6: a request reads the cache for the last time one pause before it gives up.
    this.patience = new Patience(retries * pauseMs, (key) => void this.giveUp(key))
    this.merge = new Merge(
      this.sources.map(([name]) => name),
      {
        tierOf: tierOfRank,
        outageOf: (rank) => outageOf(this.sources[rank]![1]),
        silenceMs: livesMs * SILENCE_SHARE,
        onError: (rank, { statusCode }) => {
          this.countError(rank, statusCode)
          if (tierOfRank(rank) === 0) this.rouse()
        },
        onSwitch: (move) => this.moved(move),
        patience: this.patience,
      },
    )
    return this.merge
  }

  /** Where there are both kinds, lets the polling children stand by while the streams fill a feed. */
  private stationChildren(merge: Merge): void {
    const told = this.sources.map(([, child]) => child).filter((child) => tierOf(child) === 0)
    if (told.length === 0) return
    const isNeeded = (params: Record<string, unknown>): boolean => {
      const { key } = this.responseCache.feed(this.name, params)
      const now = instant()
      return !told.some(
        (child, rank) => merge.isHealthy(key, rank, now) && !isTrouble(outageOf(child, params)),
      )
    }
    for (const [, child] of this.sources) {
      const rouse = standbyOf(child)?.(isNeeded)
      if (rouse !== undefined) this.rousers.push(rouse)
    }
    // A stream that loses its connection wakes soon after.
    for (const child of told) wakeSignalOf(child)?.follow(() => this.rouse())
  }

  /** FO-7: errors of one source stay visible while another one has a value. */
  private countError(rank: number, statusCode: number): void {
    const [transport] = this.sources[rank]!
    const labels = { adapter_endpoint: this.endpointName, transport, status_code: statusLabel(statusCode) }
    metrics.get('sourceErrors').inc({ ...appOf(this.responseCache), ...labels })
  }

  private moved({ key, from, to, reason }: SourceSwitch): void {
    const [[former], [other]] = [this.sources[from]!, this.sources[to]!]
    const labels = { adapter_endpoint: this.endpointName, from: former, to: other, reason }
    metrics.get('sourceSwitches').inc({ ...appOf(this.responseCache), ...labels })
    this.limiter.run(`${former} ${other} ${reason}`, (repeated) => {
      const fields = { from: former, to: other, reason, feed: key, repeated }
      named(logger, this).info(fields, 'A feed is served from another transport')
    })
  }

  private rouse(): void {
    for (const rouse of this.rousers) rouse()
  }

  /**
   * Called when a feed's first request has waited long enough for children that sent nothing. The answer is then what the other children
   * sent.
   */
  private async giveUp(key: string): Promise<void> {
    const value = this.merge?.giveUp(key, instant())
    if (value === undefined) return
    try {
      await this.responseCache.writeEntries([{ key, value }])
    } catch (err) {
      named(logger, this).error({ err }, `The errors of the transports could not be stored: ${String(err)}`)
    }
  }

  /** With the name and the reason of each child; those that are in no trouble say what was seen of the feed. */
  private reasonOfAll(params: object | undefined): Reason | undefined {
    const outages = this.children.map(([name, child]) => ({ name, child, reason: outageOf(child, params) }))
    if (outages.every(({ reason }) => reason === undefined)) return undefined
    const known = outages.flatMap(({ name, child, reason = params && seenOf(child, params) }) =>
      reason === undefined ? [] : [{ name, reason }],
    )
    return commonReason(known, isTrouble)
  }

  /** Whether the child succeeded. Never rejects: a failure is logged with the child's name. */
  private async succeeds(name: string, what: string, act: () => unknown): Promise<boolean> {
    try {
      await act()
      return true
    } catch (err) {
      named(logger, this).error({ err }, `The transport "${name}" failed to ${what}: ${String(err)}`)
      return false
    }
  }
}
