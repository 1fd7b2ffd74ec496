import { type SocketOptions } from '../../../connections/new-socket'
import type WebSocket from 'ws'
import { type ClientSocket } from '../../../connections/client-socket'
import { connectionError, transportStopped } from '../../../connections/connection-error'
import { OPEN } from '../../../connections/socket'
import { monotonicMs, WallMark } from '../../../util/clock'
import { sleep } from '../../../util/sleep'
import { type TypeFromDefinition } from '../../../validation/input-parameters'
import { type Reason } from '../../../validation/reason'
import { messagesText, type Sight } from '../../sight'
import { type SubscriptionDeltas } from '../../streaming-transport'
import { type EndpointContext } from '../../transport'
import { type Batching } from '../batches/batching'
import { type WebsocketTransportGenerics } from '../config'
import { type StreamEnd } from '../connection-events'

type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>

/** The transport as a lane has it: the same methods, also those that an author has overridden, but with a connection of its own. */
export interface LaneTransport<T extends WebsocketTransportGenerics> {
  wsConnection?: WebSocket
  currentUrl: string
  connectionOpenedAt: number
  lastMessageReceivedAt: number
  providerDataStreamEstablished: number
  establishWsConnection(context: EndpointContext<T>, url: string, options?: SocketOptions): Promise<WebSocket>
  subscriptionMessageBuilder?: (
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ) => unknown[]
  sendMessages(context: EndpointContext<T>, messages: unknown[]): Promise<void>
}

export interface LaneParts<T extends WebsocketTransportGenerics> {
  transport: LaneTransport<T>
  client: ClientSocket<StreamEnd>
  batching: Batching<T> | undefined
  /** Number of messages received. */
  counts: { readonly received: number }
  /** How old the connection may become. */
  maxAgeMs: number
  options: (
    context: EndpointContext<T>,
    feeds: Params<T>[],
  ) => Promise<SocketOptions> | SocketOptions | undefined
  /** Whether messages wait for their turn, on the connection or before they are made. */
  isHolding: () => boolean
  /** What the provider has said of why a feed has no value, where it answers subscriptions. */
  reasonFor: (feed: object) => Reason | undefined
  /** Resolves when more may be sent on any connection, or when it is time to look. */
  room: () => Promise<void>
  stop: () => void
}

/** What a lane tells its owner. */
export interface LaneListener<T extends WebsocketTransportGenerics> {
  /** A frame was read, and its values have been written. */
  onFrame?: () => void
  /** Something has come for these feeds: a value or an error. */
  onHeard?: (feeds: readonly Params<T>[]) => void
  /** The provider has accepted the subscription of these feeds, where it answers subscriptions. */
  onAccepted?: (feeds: readonly Params<T>[]) => void
  /** Nothing comes for these feeds, although they were asked for again alone, where the provider answers subscriptions. */
  onSilent?: (feeds: readonly Params<T>[]) => void
}

/** Makes a lane's parts. `onLost` is called when its connection was closed by the other side. */
export type LaneMaker<T extends WebsocketTransportGenerics> = (of: {
  onFrame: () => void
  onHeard: ((feeds: readonly Params<T>[]) => void) | undefined
  onAccepted: (feeds: readonly Params<T>[]) => void
  onSilent: (feeds: readonly Params<T>[]) => void
  onLost: () => void
}) => LaneParts<T>

/**
 * A further connection of a transport, with subscriptions of its own. It is opened once, and is not opened again when it closes: its owner
 * decides what becomes of its feeds. What comes on it fills the same feeds; counters, metrics and public members of the transport are those
 * of the main connection alone.
 */
export class Lane<T extends WebsocketTransportGenerics> {
  /** Resolves when its connection is closed, by whichever side. */
  readonly over: Promise<void>
  private readonly parts: LaneParts<T>
  /** Since when each feed is subscribed, in Unix ms. */
  private readonly feeds = new Map<Params<T>, number>()
  private end!: () => void
  private openedMs = Infinity
  private readonly lastMessage = new WallMark()

  constructor(
    maker: LaneMaker<T>,
    private readonly context: EndpointContext<T>,
    private readonly listener: LaneListener<T> = {},
  ) {
    this.over = new Promise((resolve) => (this.end = resolve))
    this.parts = maker({
      onFrame: () => this.listener.onFrame?.(),
      onHeard: listener.onHeard,
      onAccepted: (feeds) => this.listener.onAccepted?.(feeds),
      onSilent: (feeds) => this.listener.onSilent?.(feeds),
      onLost: () => this.end(),
    })
  }

  get isOpen(): boolean {
    return this.parts.transport.wsConnection?.readyState === OPEN
  }

  get isTooOld(): boolean {
    return monotonicMs() - this.openedMs > this.parts.maxAgeMs
  }

  get size(): number {
    return this.feeds.size
  }

  /** CN-2: whether nothing usable has come for longer than the settings allow, as it is judged on the main connection. */
  get isUnresponsive(): boolean {
    if (!this.isOpen || this.size === 0) return false
    const sinceMessageMs = this.lastMessage.msSince(this.parts.transport.lastMessageReceivedAt)
    const quietMs = Math.min(sinceMessageMs, monotonicMs() - this.openedMs)
    return quietMs > this.context.adapterSettings.WS_SUBSCRIPTION_UNRESPONSIVE_TTL
  }

  /**
   * Connects, with the author's open handler.
   *
   * @param feeds - what is going to be subscribed
   * @param release - gives back the right to connect, which its owner has claimed
   */
  async open(url: string, feeds: Params<T>[], release: () => void): Promise<void> {
    const { transport, client, options: optionsFor } = this.parts
    try {
      const options = await this.inTime(optionsFor(this.context, feeds))
      transport.currentUrl = url
      transport.providerDataStreamEstablished = Date.now()
      const connection = await transport.establishWsConnection(this.context, url, options)
      client.use(connection)
      transport.connectionOpenedAt = Date.now()
      this.openedMs = monotonicMs()
    } finally {
      release()
    }
  }

  /** CN-10: what an author's function has not given by then would hold up who waits for this connection, and its place. */
  private async inTime<R>(given: Promise<R> | R): Promise<R> {
    if (!(given instanceof Promise)) return given
    const { WS_CONNECTION_OPEN_TIMEOUT: limitMs } = this.context.adapterSettings
    const settled = new AbortController()
    const late = sleep(limitMs, settled.signal).then(() => {
      throw connectionError('CONNECTION_TIMEOUT', `The options did not come within ${limitMs} ms`)
    })
    const closed = this.over.then(() => {
      throw transportStopped()
    })
    try {
      return await Promise.race([given, late, closed])
    } finally {
      settled.abort()
    }
  }

  /**
   * Subscribes and unsubscribes. A feed that is in both lists is subscribed anew. The promise resolves when the limit of messages, if there is
   * one, has let all of it out, or the connection is closed.
   */
  async change(fresh: Params<T>[], stale: Params<T>[] = []): Promise<void> {
    for (const feed of stale) this.feeds.delete(feed)
    for (const feed of fresh) this.feeds.set(feed, Date.now())
    await this.send(fresh, stale)
    while (this.isOpen && this.parts.isHolding()) {
      await Promise.race([this.over, this.parts.room()])
      await this.send([], [])
    }
  }

  /** Sends what is due although nothing has changed, such as what was not answered. */
  proceed(): Promise<void> {
    return this.change([])
  }

  reasonFor(feed: object): Reason | undefined {
    return this.parts.reasonFor(feed)
  }

  /** What was seen of a feed, which has to be the object that was subscribed; undefined where the connection is not open. */
  sightOf(feed: Params<T> | undefined): Sight | undefined {
    const { transport, counts } = this.parts
    if (!this.isOpen || transport.connectionOpenedAt === 0) return undefined
    return {
      connectedUnixMs: transport.connectionOpenedAt,
      subscribedUnixMs: feed && this.feeds.get(feed),
      received: messagesText(counts.received),
    }
  }

  private async send(fresh: Params<T>[], stale: Params<T>[]): Promise<void> {
    if (!this.isOpen) return
    const { transport } = this.parts
    const deltas = { desired: [...this.feeds.keys()], new: fresh, stale }
    const messages = transport.subscriptionMessageBuilder?.(this.context, deltas) ?? []
    if (messages.length > 0) await transport.sendMessages(this.context, messages)
  }

  /**
   * Gives its open connection away, in the same tick, to become the main one. The lane is over.
   *
   * @returns also how many ms are left until it is too old; undefined where there is no connection that can be given away
   */
  release(): { connection: WebSocket; parts: LaneParts<T>; leftMs: number } | undefined {
    const connection = this.parts.client.release()
    void this.close()
    const { parts } = this
    return connection && { connection, parts, leftMs: this.openedMs + parts.maxAgeMs - monotonicMs() }
  }

  /** Closes it. When the promise resolves, no socket and no timer of it is left. */
  async close(): Promise<void> {
    this.end()
    const gone = this.parts.client.stop()
    this.parts.stop()
    await gone
  }
}
