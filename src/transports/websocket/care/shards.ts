import { reasonOf } from '../../../connections/connection-error'
import { Retry } from '../../../connections/retry'
import { monotonicMs } from '../../../util/clock'
import { OutageLines } from '../../../connections/outage-lines'
import { makeLogger } from '../../../util/logging'
import { type Reason } from '../../../validation/reason'
import { afterClose } from '../../stream-retries'
import { type Sight } from '../../sight'
import { type EndpointContext } from '../../transport'
import { type Care, type Params } from './care'
import { type WebsocketTransportGenerics } from '../config'
import { type StreamEnd } from '../connection-events'
import { UNRESPONSIVE } from '../failover'
import { Homes } from './homes'
import { Lane, type LaneListener } from './lane'
import { type PoisonWatch } from './poison-watch'
import { type Trials } from './trials'

const logger = makeLogger('WebSocketTransport')

/** The watches that are told what happens on the further connections. */
export interface ShardListeners<T extends WebsocketTransportGenerics> {
  poison: Pick<PoisonWatch<T>, 'trialsOfConnection' | 'closedAside' | 'arrived' | 'search'>
  sent: (feeds: readonly Params<T>[]) => void
  /** Nothing comes for these feeds, although they were asked for again alone. */
  silent: (context: EndpointContext<T>, feeds: readonly Params<T>[]) => void
}

const FURTHER = { none: 'No further connection', again: 'a further connection is there again' }

/** One further connection, opened again when it closes. */
interface Shard<T extends WebsocketTransportGenerics> {
  lane: Lane<T> | undefined
  isBusy: boolean
  /** Whether it is not needed any more. */
  isEnded: boolean
  openedMs: number
  readonly subscribed: Map<string, Params<T>>
  readonly retry: Retry<StreamEnd>
  readonly trials: Trials<T>
  trouble: Reason | undefined
  readonly outages: OutageLines
}

/**
 * Feeds beyond the limit of subscriptions per connection, on further connections (SB-7, SB-8). A feed keeps its connection while it is wanted,
 * so a new feed moves none, and the loss of a connection concerns its own feeds only.
 */
export class Shards<T extends WebsocketTransportGenerics> {
  private readonly homes: Homes
  private readonly shards = new Map<number, Shard<T>>()
  private readonly leaving = new Set<Promise<void>>()

  constructor(
    private readonly care: Care<T>,
    size: number,
    private readonly listeners: ShardListeners<T>,
  ) {
    this.homes = new Homes(size)
  }

  /** Whether a feed is at home on a further connection. */
  isAway(id: string): boolean {
    return this.homes.of(id) > 0
  }

  /** How many feeds one more connection may carry. */
  get size(): number {
    return this.homes.size
  }

  /** Gives every wanted feed its connection. Called in each pass, before anything is sent. */
  assign(desired: readonly Params<T>[]): void {
    this.homes.assign(desired.map((params) => this.care.idOf(params)))
  }

  /**
   * Makes the further connections match what is wanted.
   *
   * @param isKeptOff - whether a feed must not be subscribed at its home now
   */
  pass(context: EndpointContext<T>, desired: readonly Params<T>[], isKeptOff: (id: string) => boolean): void {
    const wanted = new Map<number, Map<string, Params<T>>>()
    for (const params of desired) {
      const id = this.care.idOf(params)
      const home = this.homes.of(id)
      if (home === 0 || isKeptOff(id)) continue
      const of = wanted.get(home)
      if (of === undefined) wanted.set(home, new Map([[id, params]]))
      else of.set(id, params)
    }
    for (const [home, shard] of this.shards) if (!wanted.has(home)) this.end(home, shard)
    for (const [home, feeds] of wanted) void this.match(context, this.shardAt(context, home), feeds)
  }

  /** Subscribes a feed again where it is. @returns undefined for a feed that is not on a further connection */
  again(params: Params<T>): Promise<void> | undefined {
    const id = this.care.idOf(params)
    if (!this.isAway(id)) return undefined
    const shard = this.shards.get(this.homes.of(id))
    const isThere = shard?.subscribed.has(id) === true
    return isThere && shard.lane !== undefined ? shard.lane.change([params], [params]) : Promise.resolve()
  }

  /** What is wrong with a feed on a further connection, or with that connection. */
  reasonOf(params: Params<T>): Reason | undefined {
    const home = this.homes.of(this.care.idOf(params))
    if (home === 0) return undefined
    const { trouble, lane } = this.shards.get(home) ?? {}
    return trouble ?? lane?.reasonFor(params)
  }

  /** What was seen of a feed on its further connection. */
  sightOf(params: Params<T>): Sight | undefined {
    const id = this.care.idOf(params)
    const { lane, subscribed } = this.shards.get(this.homes.of(id)) ?? {}
    return lane?.sightOf(subscribed?.get(id))
  }

  async stop(): Promise<void> {
    for (const [home, shard] of this.shards) this.end(home, shard)
    await Promise.all(this.leaving)
  }

  private shardAt(context: EndpointContext<T>, home: number): Shard<T> {
    const known = this.shards.get(home)
    if (known !== undefined) return known
    const shard: Shard<T> = {
      lane: undefined,
      isBusy: false,
      isEnded: false,
      openedMs: 0,
      subscribed: new Map(),
      retry: new Retry(afterClose),
      trials: this.listeners.poison.trialsOfConnection(),
      trouble: undefined,
      outages: new OutageLines(context, logger, FURTHER),
    }
    this.shards.set(home, shard)
    return shard
  }

  /** One step at a time for each connection; what has changed meanwhile is seen in the next pass. Never rejects. */
  private async match(
    context: EndpointContext<T>,
    shard: Shard<T>,
    wanted: Map<string, Params<T>>,
  ): Promise<void> {
    if (shard.isBusy) return
    const fresh = [...wanted].filter(([id]) => !shard.subscribed.has(id))
    const stale = [...shard.subscribed].filter(([id]) => !wanted.has(id))
    shard.isBusy = true
    try {
      if (shard.lane?.isUnresponsive === true) return this.fellSilent(context, shard)
      if (shard.lane?.isOpen === true && fresh.length + stale.length === 0) {
        shard.trials.settle(monotonicMs())
        if (this.care.recycling.isDue(shard.lane)) await this.recycle(context, shard, shard.lane)
        else await shard.lane.proceed()
      } else if (shard.lane === undefined) await this.open(context, shard, [...wanted.values()])
      else await this.change(shard, shard.lane, fresh, stale)
    } catch (error) {
      this.failed(context, shard, error)
    } finally {
      shard.isBusy = false
    }
  }

  private async open(context: EndpointContext<T>, shard: Shard<T>, feeds: Params<T>[]): Promise<void> {
    // While it is being found which feeds end connections, trials need their share: without them no connection of such a feed lasts.
    const isSparing = this.listeners.poison.search.isSearching
    if (shard.retry.isWaiting || !this.care.isOpen()) return
    const release = this.care.claimConnect(isSparing)
    if (release === undefined) return
    const lane = new Lane(this.care.maker, context, this.listenerFor(context, shard))
    this.place(context, shard, lane)
    await lane.open(this.care.url(), feeds, release)
    shard.openedMs = monotonicMs()
    shard.trouble = undefined
    shard.outages.over()
    this.care.wake()
  }

  private listenerFor(context: EndpointContext<T>, shard: Shard<T>): LaneListener<T> {
    return {
      onAccepted: (feeds) => shard.trials.accepted(feeds),
      onSilent: (feeds) => this.listeners.silent(context, feeds),
    }
  }

  private place(context: EndpointContext<T>, shard: Shard<T>, lane: Lane<T>): void {
    shard.lane = lane
    void lane.over.then(() => this.lost(context, shard, lane))
  }

  /** Replaces a connection that is too old. One that goes on until the next has come up may change meanwhile. */
  private async recycle(context: EndpointContext<T>, shard: Shard<T>, old: Lane<T>): Promise<void> {
    const { recycling, makesBeforeBreak } = this.care
    const feeds = [...shard.subscribed]
    const params = feeds.map(([, one]) => one)
    if (!makesBeforeBreak)
      return recycling.inTurn(context, async () => {
        this.letGo(shard)
        await old.close()
        if (!shard.isEnded && !this.care.signal.aborted) await this.open(context, shard, params)
      })
    const replaced = recycling.inTurn(context, async () => {
      const lane = await recycling.beside(context, params, this.listenerFor(context, shard))
      if (lane !== undefined) this.swap(context, shard, { old, lane, feeds })
    })
    this.leave(replaced)
  }

  private swap(
    context: EndpointContext<T>,
    shard: Shard<T>,
    { old, lane, feeds }: { old: Lane<T>; lane: Lane<T>; feeds: [string, Params<T>][] },
  ): void {
    if (shard.lane !== old || this.care.signal.aborted) return this.leave(lane.close())
    this.letGo(shard)
    this.place(context, shard, lane)
    shard.openedMs = monotonicMs()
    for (const [id, params] of feeds) shard.subscribed.set(id, params)
    const params = feeds.map(([, one]) => one)
    shard.trials.sent(params)
    this.listeners.sent(params)
    // What has changed meanwhile is subscribed now.
    this.care.wake()
  }

  private async change(
    shard: Shard<T>,
    lane: Lane<T>,
    fresh: [string, Params<T>][],
    stale: [string, Params<T>][],
  ): Promise<void> {
    for (const [id] of stale) shard.subscribed.delete(id)
    for (const [id, params] of fresh) shard.subscribed.set(id, params)
    const feeds = fresh.map(([, params]) => params)
    const sent = lane.change(
      feeds,
      stale.map(([, params]) => params),
    )
    shard.trials.sent(feeds)
    this.listeners.sent(feeds)
    await sent
    this.listeners.poison.arrived(feeds)
  }

  private failed(context: EndpointContext<T>, shard: Shard<T>, error: unknown): void {
    const { code = 'CONNECTION_FAILED', message = String(error) } = reasonOf(error) ?? {}
    shard.outages.failed({ level: 'warn', fields: { code }, text: `A further connection failed: ${message}` })
    this.giveUp(context, shard, { code, message })
  }

  /** It is given up, and no feed is to blame. */
  private fellSilent(context: EndpointContext<T>, shard: Shard<T>): void {
    logger.info({ feeds: shard.subscribed.size }, `Replacing a further connection: ${UNRESPONSIVE.message}`)
    this.giveUp(context, shard, UNRESPONSIVE)
  }

  /** The provider has closed it. */
  private lost(context: EndpointContext<T>, shard: Shard<T>, lane: Lane<T>): void {
    if (shard.lane !== lane || this.care.signal.aborted) return
    shard.outages.failed({
      level: 'warn',
      fields: { feeds: shard.subscribed.size },
      text: 'The provider closed a further connection',
    })
    this.listeners.poison.closedAside(context, shard.trials)
    const message = 'The provider closed the connection that carries this feed'
    this.giveUp(context, shard, { code: 'CONNECTION_CLOSED', message })
  }

  private giveUp(context: EndpointContext<T>, shard: Shard<T>, why: Pick<Reason, 'code' | 'message'>): void {
    const livedMs = shard.openedMs === 0 ? 0 : monotonicMs() - shard.openedMs
    this.letGo(shard)
    shard.trouble = { ...why, sinceUnixMs: shard.trouble?.sinceUnixMs ?? Date.now() }
    shard.retry.again({ settings: context.adapterSettings, livedMs, pauseMs: undefined }, () =>
      this.care.wake(),
    )
  }

  private end(home: number, shard: Shard<T>): void {
    this.shards.delete(home)
    shard.isEnded = true
    shard.retry.stop()
    this.letGo(shard)
  }

  private letGo(shard: Shard<T>): void {
    const { lane } = shard
    shard.lane = undefined
    shard.openedMs = 0
    shard.subscribed.clear()
    shard.trials.clear()
    if (lane !== undefined) this.leave(lane.close())
  }

  private leave(going: Promise<void>): void {
    const gone = going.finally(() => this.leaving.delete(gone))
    this.leaving.add(gone)
  }
}
