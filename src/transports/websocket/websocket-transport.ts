import { type SocketOptions } from '../../connections/new-socket'
import type WebSocket from 'ws'
import { type RefusalReason } from '../../feeds/refusals'
import { ResponseCache } from '../../feeds/response-cache'
import { named } from '../../util/line-owner'
import { makeLogger } from '../../util/logging'
import { sleep } from '../../util/sleep'
import { wellShaped } from '../../util/shape'
import { WakeSignal } from '../../util/wake-signal'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import {
  FEED_OUTAGE,
  LEAVE,
  LINKS,
  OUTAGE,
  RECORDS,
  SEEN,
  STALL,
  type Stall,
  SUBSCRIPTION,
  type SubscriptionState,
  WAKE,
} from '../capabilities'
import { type Reason } from '../../validation/reason'
import { RawRecords } from '../raw-records'
import { messagesText, type Sight, sightReason } from '../sight'
import { stallUntilNext } from '../stall'
import { StreamIntake } from '../stream-intake'
import { afterClose } from '../stream-retries'
import { StreamingTransport, type SubscriptionDeltas } from '../streaming-transport'
import { type EndpointContext, type TransportDependencies } from '../transport'
import { type BatchedTransportConfig } from './batches/batches'
import { Batching } from './batches/batching'
import { messageBuilder, tellIn, type SubscriptionMessageBuilder } from './builders'
import { type CareTerms, SubscriptionCare } from './care/care'
import {
  type WebSocketTransportConfig,
  type WebsocketTransportGenerics,
  type WebSocketUrlsConfig,
} from './config'
import { ClientSocket } from '../../connections/client-socket'
import { type ConnectionStatus } from '../../connections/connection-status'
import { reasonOf } from '../../connections/connection-error'
import { watchPulse } from '../../connections/pulse'
import { ConnectionStats, shownUrl } from '../../connections/connection-stats'
import { appOf } from '../../metrics/labels'
import { ConnectionEvents, type ConnectionHandlers, type StreamEnd } from './connection-events'
import { ConnectBudget } from './pacing/connect-budget'
import { Failover, UNRESPONSIVE } from './failover'
import { CredentialUse, withCredential } from './credential-use'
import { failoverUrlsOf, type FailoverUrls, withUrl } from './failover-urls'
import { FrameReader, withRoomFor } from './frame-reader'
import { Retry } from '../../connections/retry'
import { CLOSED, CLOSING, hasBacklog, OPEN, together } from '../../connections/socket'
import { startBeating } from './heartbeat'
import { type LaneMaker } from './care/lane'
import { type LaneOrigin, lanePartsOf } from './care/lane-parts'
import { feedsOf, identityIn, type Successor, type SuccessorHost } from './care/successor'
import { handOver } from './hand-over'
import { websocketShape } from './shape'
import { Succession } from './succession'
import { checkLimits, checkPing, drawMaxAge } from './pacing/limits'
import { Losses } from './lost-connection'
import { warnOfBeats } from './pacing/beats'
import { MessagePacer } from './pacing/message-pacer'
import { SILENCE_TERMS } from './care/silence'
import { SubscriptionQueue } from './pacing/subscription-queue'
import { SubscriptionStats } from './subscription-stats'

const logger = makeLogger('WebSocketTransport')

/** A connection younger than this is not replaced at once, so that a `url` that changes often cannot cause many connections. */
const MIN_CONNECTION_AGE_MS = 1_000

/** How long the transport waits at its end for the unsubscribe messages of an author's own `sendMessages`. */
const GOODBYE_MS = 500

/** A further connection that waits for room looks for it this often: there may be enough before the limit tells. */
const ROOM_LOOK_MS = 500

/** In place of handlers that are wrong, until that is refused. */
const NO_HANDLERS = { handlers: { message: () => undefined } }

type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>

/**
 * Fills feeds from a WebSocket (contract 10.4). It keeps a connection on which the wanted feeds are subscribed, and replaces it when it
 * closes, sends nothing for too long, or should have another URL. {@link ClientSocket} opens, replaces and closes single connections.
 */
export class WebSocketTransport<T extends WebsocketTransportGenerics> extends StreamingTransport<T> {
  wsConnection?: WebSocket
  currentUrl = ''
  /** The time when the provider last sent something usable. Adapters may set it when their provider sends a heartbeat. */
  lastMessageReceivedAt = 0
  connectionOpenedAt = 0
  /** See {@link WebSocketUrlConfigFunctionParameters}; never reset (contract 17.1). */
  streamHandlerInvocationsWithNoConnection = 0
  heartbeatInterval?: NodeJS.Timeout
  subscriptionMessageBuilder?: SubscriptionMessageBuilder<T>

  /** The feeds that are subscribed on the connection in use. */
  private subscribed: { context: EndpointContext<T>; feeds: Params<T>[] } | undefined
  readonly [RECORDS] = new RawRecords()
  private readonly stopping = new AbortController()
  /** Aborted when the connections beside the main one are given up, too. */
  private beside = new AbortController()
  private left: Promise<unknown> | undefined
  /** Begins with what is made for the connections beside the main one. */
  private takeCare = (): void => {}
  private readonly subscriptions = new SubscriptionStats()
  private readonly intake = new StreamIntake<T>(this)
  private readonly clientSocket: ClientSocket<StreamEnd> = new ClientSocket(
    this,
    new Retry(afterClose),
    () => {
      this.stopHeartbeat()
      this.subscriptions.disconnected()
      this.queue.clear()
      this.batching?.ended()
      this.intake.words.begin()
    },
    new ConnectionStats(() => appOf(this.responseCache)),
  )
  protected readonly config: WebSocketTransportConfig<T>
  private readonly urls: FailoverUrls<T> | undefined
  /** As it was given: what is made of it may hide its parameters. */
  private readonly givenUrl: unknown
  private readonly credential: CredentialUse<T> | undefined
  private readonly failoverCounter: Failover
  private readonly connectionEvents: ConnectionEvents<T>
  private readonly batching: Batching<T> | undefined
  /** Where there are messages to subscribe with. */
  private care: SubscriptionCare<T> | undefined
  /** Where the next connection comes up before the one in use is closed. */
  private succession: Succession<T> | undefined
  private readonly connects: ConnectBudget
  private maxAgeMs = Infinity
  /** For all connections together: whether a limit holds for each of them or for all is not known. */
  private readonly pacer: MessagePacer
  /** Woken when the limit of messages has room again. */
  private readonly room = new WakeSignal()
  private readonly queue: SubscriptionQueue<Params<T>, EndpointContext<T>>

  constructor(options: WebSocketTransportConfig<T> | WebSocketUrlsConfig<T> | BatchedTransportConfig<T>) {
    super()
    const given = wellShaped(this, options, websocketShape, NO_HANDLERS)
    this.batching = 'batches' in given ? this.batchingOf(given) : undefined
    const plain =
      this.batching?.plainConfig() ?? (given as WebSocketTransportConfig<T> | WebSocketUrlsConfig<T>)
    this.givenUrl = plain.url
    const credential = plain.credential && new CredentialUse<T>(this, plain.credential)
    this.credential = credential
    const withValues = withCredential<T, typeof plain>(plain, credential)
    this.urls = failoverUrlsOf(this, withValues)
    this.failoverCounter = new Failover(this, this.clientSocket.stats, this.urls, () => this.outages.isOpen)
    const config = (this.config = withUrl(withValues, this.urls, this.failoverCounter))
    const { clientSocket: client, failoverCounter: failover, subscriptions, [WAKE]: wake } = this
    const losses = new Losses<T>({
      host: this,
      client,
      failover,
      credential,
      wake,
      outages: this.outages,
      isLaidToFeeds: ({ context }) => this.care?.closed(context, this.subscribed?.feeds.length ?? 0) ?? false,
    })
    this.connectionEvents = new ConnectionEvents({
      get handlers() {
        return config.handlers
      },
      client,
      frames: new FrameReader<T>(this, config, this.intake),
      counts: subscriptions,
      outages: this.outages,
      onLost: (lost) => {
        losses.take(lost)
        if (this.succession?.isReady === true) wake.wake()
      },
    })
    this.subscriptionMessageBuilder = messageBuilder(config.builders, tellIn(this.intake))
    const { limits = {} } = config
    checkLimits(limits)
    checkPing(config.ping ?? {})
    this.connects = new ConnectBudget(
      limits.connects,
      () => wake.wake(),
      () => this.tryAgainNow(),
    )
    this.pacer = new MessagePacer(limits, {
      onRoom: () => {
        this.queue.proceed()
        if (this.batching?.isHeldBack) wake.wake()
        this.room.wake()
        this.room.clear()
      },
      onDropped: (error) => this.refuse('builder-failed', () => 'a message that cannot be sent', error),
    })
    this.queue = this.queueFor(config)
  }

  get [OUTAGE](): Reason | undefined {
    const { outage } = this.clientSocket
    return this.intake.words.in(this.connectionClosed() ? this.withNextPass(outage) : outage)
  }

  [STALL](given: object): Stall | undefined {
    const own = stallUntilNext(this.care?.quarantineOf(given as Params<T>))
    if (own !== undefined) return own
    return this.connectionClosed() ? this.stallBy(this.clientSocket.outage, this.choosesUrl) : undefined
  }

  [FEED_OUTAGE](params: object): Reason | undefined {
    const isDisconnected = this.clientSocket.outage !== undefined
    return this.care?.reasonOf(params as Params<T>, isDisconnected) ?? this.batching?.reasonFor(params)
  }

  [SEEN](given: object): Reason | undefined {
    const params = given as Params<T>
    const isElsewhere = this.care?.isElsewhere(params) === true
    const sight = isElsewhere ? this.care?.sightOf(params) : this.sightOf(params)
    return sight && sightReason(sight, this.responseCache.feed(this.name, params).lastSetAt)
  }

  [SUBSCRIPTION](given: object): SubscriptionState | undefined {
    const params = given as Params<T>
    if (this.care?.isElsewhere(params) === true) return { state: 'sent', isElsewhere: true }
    if (this.batching !== undefined) return this.batching.stateOf(params)
    const isSame = (one: Params<T>) => this.identityOf(one) === this.identityOf(params)
    if (this.subscribed?.feeds.some(isSame) !== true) return { state: 'wanted' }
    const { lastSetAt = 0 } = this.responseCache.feed(this.name, params)
    return { state: lastSetAt >= this.connectionOpenedAt ? 'ticking' : 'sent' }
  }

  [LINKS](): ConnectionStatus[] {
    const status = this.clientSocket.status(this.currentUrl)
    const { received: messages } = this.subscriptions
    const nextAttemptUnixMs = this.connectionClosed() ? this[OUTAGE]?.nextAttemptUnixMs : undefined
    const details = {
      subscriptions: this.subscribed?.feeds.length ?? 0,
      messages,
      ...(this.lastMessageReceivedAt > 0 && { lastMessageUnixMs: this.lastMessageReceivedAt }),
    }
    return [{ ...status, ...(nextAttemptUnixMs !== undefined && { nextAttemptUnixMs }), details }]
  }

  [LEAVE](): void {
    this.clientSocket.leave()
    this.beside.abort()
    this.beside = new AbortController()
    this.left = Promise.all([this.left, this.care?.stop(), this.succession?.stop()])
    this.takeCare()
    // Else the next pass has nothing to subscribe, and makes no connection for that.
    this.beginAnew()
  }

  getSubscriptionTtlFromConfig(adapterSettings: T['Settings']): number {
    return adapterSettings.WS_SUBSCRIPTION_TTL
  }

  override async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    name: string,
  ): Promise<void> {
    await super.initialize(dependencies, adapterSettings, endpointName, name)
    warnOfBeats(this.config, adapterSettings, { transport: this, endpoint: endpointName })
    const { responseCache: cache } = this
    this.identityOf = identityIn(cache, name, this.identityOf)
    // Stubs of adapters' own tests have the contract's settings alone.
    const maxFeeds = 'METRICS_MAX_FEEDS' in adapterSettings ? adapterSettings.METRICS_MAX_FEEDS : Infinity
    if (cache instanceof ResponseCache)
      this.subscriptions.publish(
        cache.adapterName,
        maxFeeds,
        (_, params) => cache.feed(this.name, params).feedId,
      )
    else this.subscriptions.publish(undefined, maxFeeds)
    const { firstDataMs = SILENCE_TERMS.firstDataMs } = this.config
    const host = { ...feedsOf<T>(cache, this.name, this.identityOf), maker: this.lanes, firstDataMs }
    this.takeCare = () => {
      if (this.config.builders !== undefined) this.care = this.careOf(host, this.careTerms(adapterSettings))
      if (this.makesBeforeBreak) this.succession = this.successionOf(host)
    }
    this.takeCare()
  }

  /** True if there is no connection or it has closed. One that is still closing counts as open. */
  connectionClosed(): boolean {
    return this.wsConnection === undefined || this.wsConnection.readyState === CLOSED
  }

  serializeMessage(payload: unknown): string {
    return typeof payload === 'string' ? payload : JSON.stringify(payload)
  }

  deserializeMessage(data: WebSocket.Data): T['Provider']['WsMessage'] {
    // eslint-disable-next-line @typescript-eslint/no-base-to-string -- frames are strings or buffers, whose text this is
    return JSON.parse(data.toString()) as T['Provider']['WsMessage']
  }

  async sendMessages(_context: EndpointContext<T>, messages: unknown[]): Promise<void> {
    this.pacer.inBulk(() =>
      together(this.wsConnection, () => {
        for (const message of messages) {
          try {
            this.wsConnection?.send(this.serializeMessage(message))
          } catch (error) {
            this.refuse('builder-failed', () => 'a message that cannot be sent', error)
          }
        }
      }),
    )
    if (this.wsConnection !== undefined) hasBacklog(this.wsConnection)
    return Promise.resolve()
  }

  startHeartbeat(context: EndpointContext<T>): void {
    this.stopHeartbeat()
    const { heartbeat } = this.config.handlers
    if (heartbeat === undefined) return
    const { WS_HEARTBEAT_INTERVAL_MS } = context.adapterSettings
    this.heartbeatInterval = startBeating(this, WS_HEARTBEAT_INTERVAL_MS, (connection) =>
      heartbeat(connection, context),
    )
  }

  stopHeartbeat(): void {
    if (this.heartbeatInterval === undefined) return
    clearInterval(this.heartbeatInterval)
    this.heartbeatInterval = undefined
  }

  buildConnectionHandlers(
    context: EndpointContext<T>,
    connection: WebSocket,
    connectionReadyResolve?: (value: WebSocket) => void,
  ): ConnectionHandlers {
    return this.connectionEvents.handlersFor(context, connection, this.currentUrl, connectionReadyResolve)
  }

  /**
   * Opens a connection and adds its listeners, within `WS_CONNECTION_OPEN_TIMEOUT` including the author's open handler. A connection that
   * is refused, that closes, or that is not open in time is destroyed, and the promise rejects at once.
   */
  establishWsConnection(
    context: EndpointContext<T>,
    url: string,
    options?: SocketOptions,
  ): Promise<WebSocket> {
    const { open } = this.config.handlers
    return this.connects.attempt(url, options, (counted) =>
      this.clientSocket.open({
        url,
        options: withRoomFor(this.config.maxMessageBytes, counted),
        isAlone: this.config.singleConnection,
        timeoutMs: context.adapterSettings.WS_CONNECTION_OPEN_TIMEOUT,
        open: open && ((connection) => open(connection, context)),
        listeners: (connection) => {
          this.pacer.meter(connection)
          return this.buildConnectionHandlers(context, connection)
        },
        onOpen: (connection) => {
          this.connectionEvents.listenForPongs(connection, context)
          this.watch(connection)
          this.startHeartbeat(context)
        },
      }),
    )
  }

  async streamHandler(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ): Promise<void> {
    const intervalMs = context.adapterSettings.BACKGROUND_EXECUTE_MS_WS
    const { desired } = subscriptions
    let share = this.care?.pass(context, subscriptions) ?? subscriptions
    const isNeeded = share.desired.length > 0 || this.care?.needsMain === true
    const isIdle = share.new.length === 0 && this.care?.needsMain !== true
    if (isIdle && this.wsConnection === undefined) return this[WAKE].wait(intervalMs)

    const pass = this.currentPass
    // While the provider may not be connected to, nothing was attempted that could be counted.
    const isHeld = this.connectionClosed() && this.connects.hold !== undefined
    const isUnresponsive = !isHeld && this.failoverCounter.addIfUnresponsive(context.adapterSettings)
    const url = await this.urlFor(context, desired)
    this.ensureCurrent(pass)
    this.clientSocket.look()
    const isTooOld = this.failoverCounter.openForMs > this.maxAgeMs
    const heir = this.succession?.heirFor(context, {
      feeds: share.desired,
      isLost: this.connectionClosed() || isUnresponsive,
      isYoung: this.failoverCounter.openForMs < MIN_CONNECTION_AGE_MS,
      why: url !== this.currentUrl ? 'the URL changed' : isTooOld ? 'its age' : undefined,
      url,
    })
    const handed = heir && this.giveWay(context, heir, share.desired)
    const isPlanned = this.succession !== undefined && share.desired.length > 0 && heir === undefined
    if (handed !== undefined) share = handed
    else if (
      !this.connectionClosed() &&
      (isUnresponsive || (!isPlanned && (url !== this.currentUrl || isTooOld)))
    )
      await this.leave(url, pass, isTooOld, isUnresponsive)
    if (this.connectionClosed() && isNeeded) {
      if (!(await this.mayConnect(url, intervalMs))) return
      await this.reconnect(context, url, share, pass)
    }
    await this.queue.add(context, share)
    this.tellOfReturn(desired.length)
    if (this.config.closeWhenIdle && desired.length === 0 && !this.connectionClosed())
      this.clientSocket.retire()
    await this[WAKE].wait(intervalMs)
  }

  override async shutdown(): Promise<void> {
    const stopping = super.shutdown()
    this.stopping.abort()
    this.beside.abort()
    const unsubscribed = this.unsubscribeAll()
    if (unsubscribed !== undefined) await unsubscribed
    const gone = [this.clientSocket.stop(), this.care?.stop(), this.succession?.stop(), this.left]
    this.connects.stop()
    this.pacer.stop()
    this.room.wake()
    this.subscriptions.stop()
    this.intake.stop()
    this.credential?.stop()
    await Promise.all([stopping, ...gone, this.urls?.stop()])
  }

  /** Unsubscribes everything as a courtesy to the provider, and does not wait long for it. Undefined where nothing has to be sent. */
  private unsubscribeAll(): Promise<void> | undefined {
    const { subscribed } = this
    if (subscribed === undefined || this.wsConnection?.readyState !== OPEN) return undefined
    const { context, feeds: stale } = subscribed
    const patience = new AbortController()
    const said = this.sendSubscriptions(context, { desired: [], new: [], stale })
      .catch((err: unknown) => logger.debug({ err }, 'What was subscribed could not be unsubscribed'))
      .finally(() => patience.abort())
    return Promise.race([said, sleep(GOODBYE_MS, patience.signal)])
  }

  /** Whether there may be no second connection beside the main one. */
  protected get isSingle(): boolean {
    return this.config.singleConnection === true
  }

  /** Whether the author's `url` sees how often there was no connection, and may choose another one by that (contract 17.1). */
  private get choosesUrl(): boolean {
    return [this.givenUrl, this.config.url].some((url) => typeof url === 'function' && url.length > 2)
  }

  /** How patient the transport is with single feeds. */
  protected careTerms(settings: T['Settings']): CareTerms {
    const { firstDataMs = SILENCE_TERMS.firstDataMs } = this.config
    // `in` comes first: settings in unit tests may throw when an unknown one is read.
    const lifeMs = 'CACHE_MAX_AGE' in settings ? settings.CACHE_MAX_AGE : Infinity
    return { silence: { ...SILENCE_TERMS, firstDataMs, lifeMs } }
  }

  protected override wasUnheard(error: unknown): boolean {
    return reasonOf(error)?.code === 'CONNECTION_REFUSED'
  }

  protected override get isKeptAway(): boolean {
    return this.connects.isPausedAt(this.currentUrl)
  }

  protected override pauseAfter(): number | undefined {
    return this.credential?.pauseMs ?? this.failoverCounter.takePause()
  }

  /** Counts something from the provider that is not served, and logs it once per interval. */
  protected refuse(reason: RefusalReason, detail: () => unknown, error?: unknown): void {
    this.intake.refuse(reason, detail, error)
  }

  /** What was seen of a feed on the main connection; undefined where that is not open. */
  private sightOf(params: Params<T>): Sight | undefined {
    if (this.wsConnection?.readyState !== OPEN) return undefined
    const { subscribed, subscriptions } = this
    return {
      // The connection of a pass that was given up stays in use, but was never noted as open.
      connectedUnixMs: Math.max(this.connectionOpenedAt, this.providerDataStreamEstablished),
      subscribedUnixMs: subscribed && subscriptions.sinceOf(subscribed.context, params),
      received: messagesText(subscriptions.receivedHere),
    }
  }

  private async urlFor(context: EndpointContext<T>, desired: Params<T>[]): Promise<string> {
    const streamHandlerInvocationsWithNoConnection = this.streamHandlerInvocationsWithNoConnection
    try {
      return await this.config.url(context, desired, { streamHandlerInvocationsWithNoConnection })
    } catch (error) {
      const message = `The URL could not be determined: ${String(error)}`
      this.clientSocket.trouble((this.credential && reasonOf(error)) || { code: 'URL_FAILED', message })
      throw error
    }
  }

  /** Gives up a connection that has the wrong URL or does not respond, so that there is none and nothing is subscribed. */
  private async leave(url: string, pass: number, isTooOld: boolean, isUnresponsive: boolean): Promise<void> {
    const hold = this.connects.holdAt(url)
    // Without the right to open another connection, this one is better than none.
    if (hold !== undefined)
      return url === this.currentUrl && !isTooOld ? this.clientSocket.trouble(hold) : undefined
    const same = isTooOld ? 'its age' : 'no usable message for too long'
    const why = url === this.currentUrl ? same : 'the URL changed'
    named(logger, this).info({ url: shownUrl(url) }, `Replacing the connection: ${why}`)
    const age = this.failoverCounter.openForMs
    if (age < MIN_CONNECTION_AGE_MS) await sleep(MIN_CONNECTION_AGE_MS - age, this.stopping.signal)
    this.ensureCurrent(pass)
    // A connection that closed meanwhile stays in its place, so that the pause after its end is kept.
    if (!this.connectionClosed()) this.clientSocket.retire()
    if (isUnresponsive) this.clientSocket.trouble(UNRESPONSIVE)
    // If the rest of this pass fails, nothing may seem to be subscribed.
    this.localSubscriptions = []
  }

  /**
   * Whether another connection may be opened, now or in a moment.
   *
   * @throws Error while this URL's host has a pause: like a failed attempt, so that an adapter with several URLs comes to the next one
   */
  private async mayConnect(url: string, limitMs: number): Promise<boolean> {
    if (!(await this.clientSocket.isDueWithin(limitMs))) return false
    const hold = this.connects.holdAt(url)
    if (hold === undefined) return true
    this.clientSocket.held(hold)
    if (hold.error !== undefined) throw hold.error
    await this[WAKE].wait(limitMs)
    return false
  }

  private watch(connection: WebSocket): void {
    const { ping } = this.config
    if (ping !== undefined) watchPulse(connection, { ...ping, graceMs: this.pacer.urgentDelayMs })
  }

  private queueFor({ builders = {} }: WebSocketTransportConfig<T>): typeof this.queue {
    return new SubscriptionQueue({
      pacer: this.pacer,
      identityOf: (params) => this.identityOf(params),
      isOpen: () => !this.connectionClosed() && this.wsConnection?.readyState !== CLOSING,
      feedsPerMessage: 'customSubscriptionMessages' in builders ? Infinity : 1,
      send: (context, deltas) => this.sendSubscriptions(context, deltas),
      onFailure: () => this[WAKE].wake(),
    })
  }

  private async reconnect(
    context: EndpointContext<T>,
    url: string,
    subscriptions: SubscriptionDeltas<Params<T>>,
    pass: number,
  ): Promise<void> {
    const release = this.connects.claim()
    try {
      // A pass that was given up may still be connecting. There must be only one attempt at a time.
      await (this.clientSocket.opening ?? this.openAnother(context, url, subscriptions, pass))
    } catch (error) {
      if (this.isCurrentPass(pass)) {
        this.clientSocket.failed(error)
        // A credential is renewed, and paces its attempts by itself.
        if (this.credential?.attemptFailed(error) === true) this.connects.forgive(url)
        else this.failoverCounter.attemptFailed(url)
        const hold = this.connects.holdAt(url)
        if (hold !== undefined) this.clientSocket.held(hold)
      }
      throw error
    } finally {
      release()
    }
    this.ensureCurrent(pass)
    this.connectionOpenedAt = Date.now()
    this.care?.opened()
    this.maxAgeMs = drawMaxAge(this.config.limits ?? {}, this.makesBeforeBreak)
  }

  private async openAnother(
    context: EndpointContext<T>,
    url: string,
    subscriptions: SubscriptionDeltas<Params<T>>,
    pass: number,
  ): Promise<void> {
    await this.credential?.next(context)
    const options = await this.config.options?.(context, subscriptions.desired)
    this.ensureCurrent(pass)
    // The subscriptions ended with their connection, so there is nothing to unsubscribe on the next one.
    if (this.connectionOpenedAt > 0) subscriptions.stale = []
    this.currentUrl = url
    this.providerDataStreamEstablished = Date.now()
    this.localSubscriptions = []
    this.subscribed = undefined
    this.care?.replaced()
    this.queue.clear()
    subscriptions.new = subscriptions.desired
    this.subscriptions.keepOnly(context, subscriptions.desired)
    const connection = await this.establishWsConnection(context, url, options)
    // The method of a subclass may have returned too late. If its connection is not the one in use, nobody uses it.
    const isLate = this.isStopped || !this.isCurrentPass(pass)
    if (isLate && connection !== this.wsConnection) this.clientSocket.dismiss(connection)
    this.ensureCurrent(pass)
    this.clientSocket.use(connection)
    this.pacer.meter(connection)
  }

  private async sendSubscriptions(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ): Promise<void> {
    let wasSent = false
    // A closing socket accepts no messages. Everything wanted is subscribed on the next connection.
    if (!this.connectionClosed() && this.wsConnection?.readyState !== CLOSING) {
      const messages = this.subscriptionMessageBuilder?.(context, subscriptions) ?? []
      if (messages.length > 0) await this.sendMessages(context, messages)
      wasSent = messages.length > 0
      if (wasSent) this.care?.sent(subscriptions.new)
      this.subscribed = { context, feeds: subscriptions.desired }
    }
    this.subscriptions.subscribed(context, subscriptions.new, wasSent)
    this.subscriptions.unsubscribed(context, subscriptions.stale, wasSent)
  }

  private batchingOf(config: BatchedTransportConfig<T>): Batching<T> {
    const of = {
      identityOf: (params: unknown) => this.identityOf(params),
      onFailed: tellIn(this.intake),
      room: () => this.pacer.room,
      canCarry: (message: unknown) => this.pacer.canCarry(() => this.serializeMessage(message)),
    }
    return new Batching(config, this, this.intake, of, {
      onAccepted: (feeds) => this.care?.accepted(feeds),
      onSilent: (feeds, context) => this.care?.silent(context, feeds),
    })
  }

  private careOf(host: SuccessorHost<T>, terms: CareTerms): SubscriptionCare<T> {
    const { isSingle, beside, makesBeforeBreak } = this
    return new SubscriptionCare<T>(
      {
        ...host,
        isOpen: () => this.wsConnection?.readyState === OPEN,
        isBusy: () => this.queue.size > 0,
        url: () => this.currentUrl,
        currency: () => this.clientSocket.currency(),
        sendOnMain: (context, fresh, stale) => this.sendAgain(context, fresh, stale),
        holdMs: () => this.connects.holdAside(this.currentUrl)?.delayMs,
        claimConnect: (isSparing) => this.connects.claimAside(this.currentUrl, isSparing),
        wake: () => this[WAKE].wake(),
        known: () => this.knownRoom,
        signal: beside.signal,
        isSingle,
        isAnswering: () => this.batching?.isAnswering === true,
        // What was asked for in batches is watched by its answers, and told of.
        hearsSilence: this.batching === undefined,
        perConnection: this.config.limits?.subscriptionsPerConnection ?? Infinity,
        makesBeforeBreak,
      },
      terms,
    )
  }

  /** Sends subscriptions that change nothing about what is to be subscribed. */
  private async sendAgain(
    context: EndpointContext<T>,
    fresh: Params<T>[],
    stale: Params<T>[],
  ): Promise<void> {
    const { subscribed } = this
    if (subscribed === undefined || this.wsConnection?.readyState !== OPEN) return
    const deltas = { desired: subscribed.feeds, new: fresh, stale }
    const messages = this.subscriptionMessageBuilder?.(context, deltas) ?? []
    if (messages.length > 0) await this.sendMessages(context, messages)
  }

  private get lanes(): LaneMaker<T> {
    const { config, batching } = this
    const origin: LaneOrigin<T> = {
      transport: this,
      config,
      batching,
      isHolding: (connection) => this.pacer.isHolding(connection),
      room: () => this.room.wait(ROOM_LOOK_MS),
      drawMaxAge: () => drawMaxAge(config.limits ?? {}, this.makesBeforeBreak),
    }
    return (listener) => lanePartsOf(origin, listener)
  }

  private get makesBeforeBreak(): boolean {
    return this.config.makeBeforeBreak === true && !this.isSingle
  }

  private successionOf(host: SuccessorHost<T>): Succession<T> {
    return new Succession<T>({
      ...host,
      urlFor: (context, feeds) => this.urlFor(context, feeds),
      claimConnect: (url) => this.connects.claimAside(url),
      credential: this.credential,
      onFailed: (url) => this.urls?.moveFailed(url),
      wake: () => this[WAKE].wake(),
    })
  }

  /**
   * Puts a connection that has come up in the place of the main one, which is closed, as after a reconnect.
   *
   * @returns what is still to be subscribed and unsubscribed on it; undefined where it cannot take the place
   */
  private giveWay(
    context: EndpointContext<T>,
    successor: Successor<T>,
    desired: Params<T>[],
  ): SubscriptionDeltas<Params<T>> | undefined {
    const given = successor.lane.release()
    if (given === undefined) return undefined
    const { connection, parts, leftMs } = given
    const { clientSocket: client, connectionEvents: events, subscriptions: stats, batching } = this
    const feeds = [...successor.feeds.values()]
    this.queue.clear()
    this.care?.replaced()
    handOver({ transport: this, client, events, stats, batching }, context, { connection, parts, feeds })
    this.maxAgeMs = leftMs
    this.subscribed = { context, feeds }
    this.care?.opened()
    this.care?.sent(feeds)
    const { fresh, stale } = successor.difference(desired)
    return { desired, new: fresh, stale }
  }

  private ensureCurrent(pass: number): void {
    if (this.isStopped) throw new Error('The transport has stopped')
    if (!this.isCurrentPass(pass)) throw new Error('A later pass has taken over from one that hung')
  }
}
