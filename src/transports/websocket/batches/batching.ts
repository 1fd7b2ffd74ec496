import type WebSocket from 'ws'
import { type Identify } from '../../../feeds/delta'
import { type GuardReason } from '../../../feeds/guards'
import { ResponseCache } from '../../../feeds/response-cache'
import { type ProviderResult } from '../../../feeds/responses'
import { monotonicMs } from '../../../util/clock'
import { named } from '../../../util/line-owner'
import { makeLogger } from '../../../util/logging'
import { type WakeSignal } from '../../../util/wake-signal'
import { type TypeFromDefinition } from '../../../validation/input-parameters'
import { goingOn, type Reason } from '../../../validation/reason'
import { type SubscriptionState, WAKE } from '../../capabilities'
import { type StreamIntake } from '../../stream-intake'
import { type SubscriptionDeltas } from '../../streaming-transport'
import { type EndpointContext } from '../../transport'
import { Requests } from './batch-requests'
import {
  type Acceptance,
  type BatchedTransportConfig,
  type FeedName,
  type Said,
  type Session,
  type SubscriptionRefusal,
} from './batches'
import {
  type WebSocketTransportConfig,
  type WebsocketTransportGenerics,
  type WebSocketUrlsConfig,
} from '../config'
import { extendLife } from './confirming'
import { CLOSED, Hold } from './hold'
import { Ledger, type Orders } from './ledger'
import { Notices } from './notices'
import { type Entry, refusalReason } from './subscription-entry'

const logger = makeLogger('WebSocketTransport')

const ACK_WITHIN_MS = 15_000
const FIRST_DATA_MS = 15_000
/** A value's life is extended at most this often. */
const CONFIRM_EVERY_MS = 5_000

type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>
type Results<T extends WebsocketTransportGenerics> = ProviderResult<T>[]

/** Read at each use, because adapters assign these members. */
export interface BatchHost<T extends WebsocketTransportGenerics> {
  readonly name: string
  readonly responseCache: ResponseCache<T>
  readonly wsConnection?: WebSocket
  readonly [WAKE]: WakeSignal
  lastMessageReceivedAt: number
  sendMessages(context: EndpointContext<T>, messages: unknown[]): Promise<void>
}

/** Told of what concerns more than one connection. */
export interface BatchListener<T extends WebsocketTransportGenerics> {
  /** The provider has accepted the subscription of these feeds. */
  onAccepted: (feeds: readonly Params<T>[]) => void
  /** Nothing comes for these feeds, although they were asked for again alone. */
  onSilent: (feeds: readonly Params<T>[], context: EndpointContext<T>) => void
}

/** Subscribes feeds as {@link BatchedTransportConfig} says, on one connection after the other. */
export class Batching<T extends WebsocketTransportGenerics> {
  private requests = new Requests()
  private readonly notices: Notices
  private readonly hold: Hold<T>
  private session: Session<T> | undefined
  private ledger: Ledger<Params<T>>
  private hadRefusals = false
  private hasAcceptances = false
  /** Whether any subscription has ever been answered. */
  isAnswering = false

  constructor(
    private readonly config: BatchedTransportConfig<T>,
    private readonly host: BatchHost<T>,
    private readonly intake: StreamIntake<T>,
    private readonly of: {
      identityOf: Identify
      onFailed: (params: Params<T>, error: unknown, isWanted: boolean) => void
      /** How many messages may be sent at once. */
      room: () => number
      /** Whether the limit of bytes has room for a message at all. */
      canCarry: (message: unknown) => boolean
    },
    private readonly listener: BatchListener<T>,
  ) {
    this.notices = new Notices('Provider', host)
    this.hold = new Hold(host, intake)
    this.ledger = this.newLedger()
  }

  /** The same transport's config in the form that one without batches has. */
  plainConfig(): WebSocketTransportConfig<T> | WebSocketUrlsConfig<T> {
    const { handlers = {}, ...rest } = this.config
    const plain: WebSocketTransportConfig<T> | WebSocketUrlsConfig<T> = {
      ...rest,
      handlers: { ...handlers, message: (message, context) => this.read(message, context) },
      builders: { customSubscriptionMessages: (context, deltas) => this.messages(context, deltas) },
    }
    if (this.current.ping === undefined) return plain
    plain.handlers.heartbeat = async (connection, context) => {
      await this.ping(context)
      await handlers.heartbeat?.(connection, context)
    }
    return plain
  }

  /** The connection in use has ended, and with it all that was said on it. */
  ended(): void {
    this.session = undefined
    this.ledger = this.newLedger()
    this.requests.clear()
    this.hold.end()
    this.hadRefusals = false
    this.hasAcceptances = false
  }

  /** The same for another connection of the transport. */
  forLane(host: BatchHost<T>, intake: StreamIntake<T>, listener: BatchListener<T>): Batching<T> {
    return new Batching(this.config, host, intake, this.of, listener)
  }

  /** The connection in use was replaced by a lane's: what was asked for and said on that one counts from now on. */
  takeOver(lane: Batching<T>): void {
    this.session = lane.session
    this.ledger = lane.ledger
    this.requests = lane.requests
    this.hadRefusals = lane.hadRefusals
    this.hasAcceptances = lane.hasAcceptances
    this.isAnswering ||= lane.isAnswering
    if (lane.hasAcceptances) this.intake.words.acknowledge()
    this.hold.end()
    if (lane.hold.why !== undefined) this.hold.begin(lane.hold.why)
  }

  /** Whether something is to be sent as soon as the limits allow. */
  get isHeldBack(): boolean {
    return this.ledger.isHeldBack
  }

  /** What the subscription of a feed tells of why it has no value. */
  reasonFor(params: object): Reason | undefined {
    const symbol = this.symbolOf(params as Params<T>)
    if (symbol === undefined) return undefined
    return this.ledger.reasonFor(symbol, monotonicMs(), this.intake.words)
  }

  stateOf(params: object): SubscriptionState | undefined {
    const symbol = this.symbolOf(params as Params<T>)
    return symbol === undefined ? undefined : this.ledger.stateOf(symbol)
  }

  /** The messages to be sent now: for feeds that became wanted or unwanted, and for what is due. */
  private messages(
    context: EndpointContext<T>,
    { new: fresh, stale }: SubscriptionDeltas<Params<T>>,
  ): unknown[] {
    const now = monotonicMs()
    for (const params of stale) {
      const symbol = this.symbolOf(params, false)
      if (symbol !== undefined) this.ledger.leave(symbol, params)
    }
    for (const params of fresh) {
      const symbol = this.symbolOf(params, true)
      if (symbol !== undefined) this.ledger.want(symbol, params, now)
    }
    const orders = this.ledger.orders(now, this.of.room())
    if (orders.isVain && !this.hasAcceptances) this.restart('The provider answers no subscription')
    for (const entry of orders.says) this.sayRefusal(entry, context, now)
    // Once these messages are on their way: what comes of it are messages, too.
    for (const { feeds } of orders.silent) queueMicrotask(() => this.listener.onSilent(feeds, context))
    this.hold.look(this.ledger, fresh, now)
    return [...this.unsubscribes(orders, now), ...this.subscribes(orders)]
  }

  private unsubscribes({ ends }: Orders<Params<T>>, now: number): unknown[] {
    const messages: unknown[] = []
    const { size = 1 } = this.config.batches
    const named = ends.filter(({ symbol }) => symbol !== undefined)
    const nameless = ends.filter(({ symbol }) => symbol === undefined)
    const unsubscribe = (symbols: string[], id: number, part: typeof ends): unknown =>
      this.current.unsubscribe(symbols, { id, channels: part.map(({ channel }) => channel) })
    for (let at = 0; at < ends.length;) {
      // A channel that is ours by mistake has a message of its own.
      const some = at < named.length ? named.slice(at, at + size) : [nameless[at - named.length]!]
      at += some.length
      for (const { part, message } of this.built(some, ({ symbol }) => symbol, unsubscribe)) {
        messages.push(message)
        for (const end of part) this.ledger.left(end, now)
      }
    }
    return messages
  }

  private subscribes({ asks }: Orders<Params<T>>): unknown[] {
    const subscribe = (symbols: string[], id: number): unknown =>
      this.current.subscribe(symbols, { id, channels: symbols.map(() => undefined) })
    return asks.flatMap((symbols) =>
      this.built(symbols, (symbol) => symbol, subscribe).map(({ message }) => message),
    )
  }

  /** One message for all of them, or several where the limit of bytes has no room for it (SB-7). None where the author's code throws. */
  private built<One>(
    part: One[],
    symbolOf: (one: One) => string | undefined,
    build: (symbols: string[], id: number, part: One[]) => unknown,
  ): { part: One[]; message: unknown }[] {
    const symbols = part.flatMap((one) => symbolOf(one) ?? [])
    const id = this.requests.nextId()
    try {
      const message = build(symbols, id, part)
      if (message === undefined) return []
      if (part.length === 1 || this.of.canCarry(message)) {
        this.requests.add(id, symbols)
        return [{ part, message }]
      }
    } catch (error) {
      this.intake.refuse('builder-failed', () => symbols, error)
      return []
    }
    const half = Math.ceil(part.length / 2)
    return [part.slice(0, half), part.slice(half)].flatMap((some) => this.built(some, symbolOf, build))
  }

  private async ping(context: EndpointContext<T>): Promise<void> {
    const message = this.current.ping?.({ id: this.requests.nextId() })
    if (message !== undefined) await this.host.sendMessages(context, [message])
  }

  private read(message: T['Provider']['WsMessage'], context: EndpointContext<T>): Results<T> | undefined {
    const said = this.current.answer(message, this.asked)
    if (said === undefined) return undefined
    const now = monotonicMs()
    const results: Results<T> = []
    if (said.values !== undefined)
      for (const [name, response] of said.values) this.value(name, response, now, results)
    if (said.isAlive || said.accepted !== undefined || said.confirmed !== undefined)
      this.host.lastMessageReceivedAt = Date.now()
    if (said.confirmed !== undefined) for (const name of said.confirmed) this.confirm(name, context, now)
    this.hear(said, context, now, results)
    if (this.ledger.isPressed) this.host[WAKE].wake()
    return results
  }

  /** What is said about subscriptions. */
  private hear(said: Said<T>, context: EndpointContext<T>, now: number, results: Results<T>): void {
    const { accepted, already, refused, ended, missed, unusable, notice, paused, restart } = said
    if (refused !== undefined) for (const one of refused) this.refuse(one, context, now, results)
    if (already !== undefined) for (const one of already) this.accept(one, now, true)
    if (accepted !== undefined) this.acceptAll([...accepted], said.isWhole === true, now)
    if (ended !== undefined) for (const name of ended) this.ledger.ended(name, now)
    if (missed !== undefined) for (const name of missed) this.ledger.missed(name, now)
    if (unusable !== undefined) for (const [name, why] of unusable) this.refuseData(name, why, now)
    if (notice !== undefined) this.say(notice, now)
    if (paused !== undefined) this.pause(paused)
    if (restart !== undefined) this.restart(restart)
  }

  private restart(why: string): void {
    named(logger, this.host).info({ why }, 'Everything is subscribed again on a new connection')
    this.host.wsConnection?.close(1000)
  }

  private value(
    name: FeedName,
    response: ProviderResult<T>['response'],
    now: number,
    results: Results<T>,
  ): void {
    const entry = this.entryOf(name, now)
    if (entry === undefined) return
    this.acknowledged()
    entry.last = response
    entry.confirmedMs = now
    const { why } = this.hold
    for (const params of entry.feeds)
      results.push({ params, response: why === undefined ? response : this.intake.errorOf(502, why, CLOSED) })
  }

  private entryOf(name: FeedName, now: number): Entry<Params<T>> | undefined {
    const entry = this.ledger.heard(name, now)
    if (entry === undefined && !this.ledger.isLate(name))
      this.intake.refuse('unknown-feed', () => String(name))
    return entry
  }

  private confirm(name: FeedName, { adapterSettings }: EndpointContext<T>, now: number): void {
    const entry = this.ledger.heard(name, now)
    if (entry === undefined) return
    if (entry.last === undefined) {
      entry.isUntraded = true
      return
    }
    const lifeMs = adapterSettings.CACHE_MAX_AGE
    if (this.hold.why !== undefined || now - entry.confirmedMs < Math.min(CONFIRM_EVERY_MS, lifeMs / 3))
      return
    entry.confirmedMs = now
    for (const params of entry.feeds) void extendLife(this.host, params, entry.last, lifeMs)
  }

  private acceptAll(accepted: readonly Acceptance[], isWhole: boolean, now: number): void {
    for (const one of accepted) this.accept(one, now, false)
    if (!isWhole) return
    const symbols = new Set(accepted.map((one) => (typeof one === 'string' ? one : one[0])))
    this.ledger.whole(symbols, this.hadRefusals, now)
    this.hadRefusals = false
  }

  private acknowledged(): void {
    this.hasAcceptances = true
    if (!this.intake.words.isHeard) this.intake.words.acknowledge()
  }

  private accept(one: Acceptance, now: number, isAlready: boolean): void {
    this.acknowledged()
    const entry = this.ledger.accepted(one, now, isAlready)
    this.isAnswering = true
    if (entry !== undefined) this.listener.onAccepted(entry.feeds)
  }

  private refuse(
    one: SubscriptionRefusal,
    { adapterSettings }: EndpointContext<T>,
    now: number,
    results: Results<T>,
  ): void {
    this.hadRefusals = true
    const entry = this.ledger.refused(one, now)
    if (entry === undefined) return this.say(`${one[1]} (${one[0]})`, now)
    this.ledger.sayAt(entry, now + adapterSettings.CACHE_MAX_AGE / 2)
    const { words } = entry
    for (const params of entry.feeds)
      results.push({ params, response: this.intake.errorOf(502, words, refusalReason(entry, now)) })
  }

  /** A refusal is written again before it expires, so that it stays the answer until the symbol is asked for again. */
  private sayRefusal(entry: Entry<Params<T>>, { adapterSettings }: EndpointContext<T>, now: number): void {
    const why = refusalReason(entry, now)
    for (const params of entry.feeds) this.intake.writeError(params, 502, entry.words, why)
    this.ledger.sayAt(entry, now + adapterSettings.CACHE_MAX_AGE / 2)
  }

  private refuseData(name: FeedName, why: GuardReason, now: number): void {
    const entry = this.entryOf(name, now)
    if (entry === undefined) return
    this.intake.refuse(why, () => `data of ${entry.symbol}`)
    const { name: transport, responseCache } = this.host
    if (!(responseCache instanceof ResponseCache)) return
    const reason = { code: 'REFUSED_VALUE', message: `The last value was refused: ${why}` } as const
    for (const params of entry.feeds) {
      const feed = responseCache.feed(transport, params)
      feed.refusal = goingOn(feed.refusal, reason)
    }
  }

  private say(notice: unknown, now: number): void {
    this.hadRefusals = true
    const shown = this.notices.say(notice, now)
    this.intake.refuse('provider-error', () => shown)
    this.intake.words.say(shown)
  }

  private pause(why: string): void {
    this.hold.begin(why)
    this.host[WAKE].wake()
  }

  private readonly asked = (id: number | string | undefined): string[] =>
    this.requests.symbolsOf(id).filter((symbol) => this.ledger.isUnanswered(symbol))

  private get current(): Session<T> {
    return (this.session ??= this.config.batches.session())
  }

  private newLedger(): Ledger<Params<T>> {
    const { size = 1, ackWithinMs = ACK_WITHIN_MS, firstDataMs = FIRST_DATA_MS } = this.config.batches
    const { identityOf } = this.of
    return new Ledger(
      { size, ackWithinMs, firstDataMs },
      (a, b) => a === b || identityOf(a) === identityOf(b),
    )
  }

  /** @param isWanted - whether a failure is told to the feed's clients; undefined: to nobody */
  private symbolOf(params: Params<T>, isWanted?: boolean): string | undefined {
    try {
      return this.config.batches.symbolOf(params)
    } catch (error) {
      if (isWanted !== undefined) this.of.onFailed(params, error, isWanted)
      return undefined
    }
  }
}
