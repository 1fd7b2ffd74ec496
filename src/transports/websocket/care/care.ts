import { type KnownRoom } from '../../../feeds/feed-rooms'
import { type TypeFromDefinition } from '../../../validation/input-parameters'
import { type Reason } from '../../../validation/reason'
import { type Sight } from '../../sight'
import { type SubscriptionDeltas } from '../../streaming-transport'
import { type EndpointContext } from '../../transport'
import { type WebsocketTransportGenerics } from '../config'
import { Placement } from './placement'
import { Recycling } from './recycling'
import { POISON_TERMS, type PoisonTerms } from './poison-search'
import { type PoisonTimes, PoisonWatch } from './poison-watch'
import { Shards } from './shards'
import { type SilenceTerms } from './silence'
import { SilenceWatch } from './silence-watch'
import { type SuccessorHost } from './successor'

export type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>

/** How patient the care is; each part has defaults. */
export interface CareTerms {
  poison?: PoisonTerms
  poisonTimes?: PoisonTimes
  silence?: SilenceTerms
}

/** What the care of subscriptions needs from the transport with the main connection. */
export interface CareHost<T extends WebsocketTransportGenerics> extends SuccessorHost<T> {
  /** Whether the main connection is open. */
  isOpen: () => boolean
  /** Whether something waits for its turn to be subscribed there. */
  isBusy: () => boolean
  url: () => string
  /** Returns a function that tells whether the main connection is still the one that it is now. */
  currency: () => () => boolean
  /** Sends subscriptions on the main connection without changing what is to be subscribed there. */
  sendOnMain: (context: EndpointContext<T>, fresh: Params<T>[], stale: Params<T>[]) => Promise<void>
  /** For how long no connection beside the main one may be opened; undefined when one may. */
  holdMs: () => number | undefined
  /**
   * Claims a connection beside the main one. One that `isSparing` leaves half of what is allowed to others.
   *
   * @returns to be called when it is open, or will not be; undefined where there may be none now
   */
  claimConnect: (isSparing?: boolean) => (() => void) | undefined
  wake: () => void
  /** The room for what is known of feeds, once there is one. */
  known?: () => KnownRoom | undefined
  /** Aborted when the transport stops. */
  signal: AbortSignal
  /** Whether the provider allows one connection only. */
  isSingle: boolean
  /** Whether the provider answers subscriptions, as has been seen. */
  isAnswering: () => boolean
  /** Whether silent feeds are found here. */
  hearsSilence: boolean
  /** The most feeds that one connection may carry. */
  perConnection: number
  /** Whether a connection that is too old is closed when the next one has come up. */
  makesBeforeBreak: boolean
}

/** What the watches share. */
export interface Care<T extends WebsocketTransportGenerics> extends CareHost<T> {
  /** The params of a wanted feed that is kept off the main connection. */
  paramsOf: (id: string) => Params<T> | undefined
  /** Sends subscriptions of one feed on the connection that it belongs to, without changing what is to be subscribed there. */
  sendAtHome: (context: EndpointContext<T>, fresh: Params<T>[], stale: Params<T>[]) => Promise<void>
  recycling: Recycling<T>
}

/**
 * Takes care of single subscriptions, which the main connection alone cannot: feeds that end a connection, and feeds that are silent. Where
 * neither is so, everything wanted is subscribed on the main connection, as the contract has it.
 */
export class SubscriptionCare<T extends WebsocketTransportGenerics> {
  private readonly placement: Placement<Params<T>>
  private readonly poison: PoisonWatch<T>
  private readonly silence: SilenceWatch<T>
  private readonly shards: Shards<T> | undefined
  private readonly recycling: Recycling<T>
  private count = 0
  private version = 0

  constructor(
    private readonly host: CareHost<T>,
    terms: CareTerms = {},
  ) {
    this.recycling = new Recycling(host)
    const care: Care<T> = {
      ...host,
      recycling: this.recycling,
      paramsOf: (id) => this.placement.paramsOf(id),
      sendAtHome: (context, fresh, stale) => this.sendAtHome(context, fresh, stale),
    }
    const { poison: poisonTerms = { ...POISON_TERMS, mostAtOnce: host.perConnection } } = terms
    this.poison = new PoisonWatch(care, terms.poisonTimes, poisonTerms)
    this.silence = new SilenceWatch(care, terms.silence)
    if (host.perConnection < Infinity && !host.isSingle)
      this.shards = new Shards(care, host.perConnection, {
        poison: this.poison,
        sent: (feeds) => this.silence.sent(feeds),
        silent: (context, feeds) => this.silence.silent(context, feeds),
      })
    this.placement = new Placement<Params<T>>(
      (params) => host.idOf(params),
      (id) => this.isKeptOff(id) || this.shards?.isAway(id) === true,
      () => this.poison.search.isIdle && this.silence.isIdle && this.shards === undefined,
    )
  }

  /** Whether the main connection is needed even if nothing is to be subscribed on it. */
  get needsMain(): boolean {
    return this.poison.needsWitness
  }

  /** Called in each pass. @returns the changes to make on the main connection */
  pass(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ): SubscriptionDeltas<Params<T>> {
    const { desired } = subscriptions
    let ids: Set<string> | undefined
    const isWanted = (id: string) => (ids ??= new Set(desired.map(this.host.idOf))).has(id)
    const version = this.versionOf(subscriptions)
    this.shards?.assign(desired)
    // What ends connections is never asked for again because it is silent.
    this.silence.pass(context, (id) => isWanted(id) && !this.poison.search.isAway(id), version)
    const share = this.placement.divide(subscriptions)
    this.shards?.pass(context, desired, (id) => this.isKeptOff(id))
    this.poison.pass(context, isWanted, version)
    return share
  }

  /** The main connection is being replaced. */
  replaced(): void {
    this.poison.replaced()
  }

  opened(): void {
    this.poison.opened()
  }

  /** These feeds were subscribed on the main connection. */
  sent(feeds: readonly Params<T>[]): void {
    if (feeds.length === 0) return
    this.placement.sent(feeds)
    this.poison.sent(feeds)
    this.silence.sent(feeds)
  }

  /** The provider has accepted the subscription of these feeds on the main connection. */
  accepted(feeds: readonly Params<T>[]): void {
    this.poison.accepted(feeds)
  }

  /** Nothing comes for these feeds on the main connection, although they were asked for again alone. */
  silent(context: EndpointContext<T>, feeds: readonly Params<T>[]): void {
    this.silence.silent(context, feeds)
  }

  /** The provider closed the main connection. @returns whether that is laid to feeds that are kept off it from now on */
  closed(context: EndpointContext<T>, subscribed: number): boolean {
    return this.poison.closed(context, subscribed)
  }

  /** Whether a feed is not on the main connection: it is on another one, or kept off. */
  isElsewhere(params: Params<T>): boolean {
    const id = this.host.idOf(params)
    return this.isKeptOff(id) || this.shards?.isAway(id) === true
  }

  /** What is wrong with a feed. */
  reasonOf(params: Params<T>, isDisconnected: boolean): Reason | undefined {
    const id = this.host.idOf(params)
    // Without a connection nothing comes for any feed, and that is told instead.
    const reason = this.poison.reasonOf(id) ?? this.shards?.reasonOf(params)
    return reason ?? (isDisconnected ? undefined : this.silence.reasonOf(params))
  }

  /** Why a feed is kept off until it is tried again; undefined where it is not. */
  quarantineOf(params: Params<T>): Reason | undefined {
    if (this.poison.search.isIdle) return undefined
    const reason = this.poison.reasonOf(this.host.idOf(params))
    return reason?.code === 'QUARANTINED' ? reason : undefined
  }

  /** What was seen of a feed on the further connection that it is on; undefined where it is on none that is open. */
  sightOf(params: Params<T>): Sight | undefined {
    return this.shards?.sightOf(params)
  }

  async stop(): Promise<void> {
    this.recycling.stop()
    await Promise.all([this.poison.stop(), this.silence.stop(), this.shards?.stop()])
  }

  private isKeptOff(id: string): boolean {
    return this.poison.isAway(id) || this.silence.isAway(id)
  }

  private async sendAtHome(
    context: EndpointContext<T>,
    fresh: Params<T>[],
    stale: Params<T>[],
  ): Promise<void> {
    const [params] = [...fresh, ...stale]
    const elsewhere = params && this.shards?.isAway(this.host.idOf(params)) === true
    if (!elsewhere) return this.host.sendOnMain(context, fresh, stale)
    // What is only unsubscribed is so in the next pass.
    if (fresh.length > 0) await this.shards?.again(params)
  }

  /** Changes with what is wanted, and while feeds are kept off the connection, so that at rest nothing is compared. */
  private versionOf({ desired, new: fresh, stale }: SubscriptionDeltas<Params<T>>): number {
    const isSame = fresh.length + stale.length === 0 && desired.length === this.count
    this.count = desired.length
    return isSame && this.poison.search.isIdle ? this.version : ++this.version
  }
}
