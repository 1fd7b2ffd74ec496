import type WebSocket from 'ws'
import { type ClientOptions } from 'ws'
import { type RefusalReason } from '../../feeds/refusals'
import { ResponseCache } from '../../feeds/response-cache'
import { LogLimiter } from '../../util/log-limiter'
import { makeLogger } from '../../util/logging'
import { sleep } from '../../util/sleep'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { OUTAGE, WAKE } from '../capabilities'
import { goingOn, type Reason } from '../../validation/reason'
import { StreamIntake } from '../stream-intake'
import { afterClose } from '../stream-retries'
import { StreamingTransport, type SubscriptionDeltas } from '../streaming-transport'
import { type EndpointContext, type TransportDependencies } from '../transport'
import { messageBuilder, type SubscriptionMessageBuilder } from './builders'
import { WebSocketClassProvider } from '../../connections/class-provider'
import { type WebSocketTransportConfig, type WebsocketTransportGenerics } from './config'
import { type Attempt, connect } from '../../connections/connect'
import { codeOf, noUrl, reasonOf, textOf } from '../../connections/connection-error'
import { ConnectionStats, shownUrl } from '../../connections/connection-stats'
import { Farewell } from '../../connections/farewell'
import { FrameReader } from './frame-reader'
import { Retry } from '../../connections/retry'
import { CLOSED, CLOSING, noteWire, OPEN, together } from '../../connections/socket'
import { SubscriptionStats } from './subscription-stats'

const logger = makeLogger('WebSocketTransport')

/** A connection younger than this is not replaced at once, so that a fickle `url` cannot make a storm. */
const MIN_CONNECTION_AGE_MS = 1_000

/** How long an author's own way of sending is waited for when the transport stops. */
const GOODBYE_MS = 500

type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>

/** The listeners of one connection. A connection that has been replaced keeps them, and they touch nothing. */
interface ConnectionHandlers {
  open: (event?: WebSocket.Event) => Promise<void> | void
  message: (event: WebSocket.MessageEvent) => void
  error: (event: WebSocket.ErrorEvent) => void
  close: (event: WebSocket.CloseEvent) => void
}

/**
 * Fills feeds from a WebSocket (contract 10.4). Holds one connection, keeps it subscribed to what is wanted, and replaces it when it
 * closes, falls silent or should be elsewhere. Every listener belongs to one connection: what a replaced socket still has to say
 * changes nothing.
 */
export class WebSocketTransport<T extends WebsocketTransportGenerics> extends StreamingTransport<T> {
  wsConnection?: WebSocket
  currentUrl = ''
  /** When the provider last sent something usable. Adapters may set it on their provider's heartbeats. */
  lastMessageReceivedAt = 0
  connectionOpenedAt = 0
  /** See {@link WebSocketUrlConfigFunctionParameters}; never reset (contract 17.1). */
  streamHandlerInvocationsWithNoConnection = 0
  heartbeatInterval?: NodeJS.Timeout
  subscriptionMessageBuilder?: SubscriptionMessageBuilder<T>;
  [OUTAGE]: Reason | undefined

  private generation = 0
  private attempt: Attempt | undefined
  /** What the connection in use has been asked for. */
  private subscribed: { context: EndpointContext<T>; feeds: Params<T>[] } | undefined
  private readonly reconnection = new Retry(afterClose)
  private readonly farewell = new Farewell()
  private readonly stopping = new AbortController()
  private readonly connections = new ConnectionStats()
  private readonly subscriptions = new SubscriptionStats()
  private readonly intake = new StreamIntake<T>(this)
  private readonly frames: FrameReader<T>
  private readonly limiter = new LogLimiter()

  constructor(private readonly config: WebSocketTransportConfig<T>) {
    super()
    this.frames = new FrameReader<T>(this, config, this.intake)
    this.subscriptionMessageBuilder = messageBuilder(config.builders, (params, error, isWanted) =>
      this.builderFailed(params, error, isWanted),
    )
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
    const cache = this.responseCache
    if (cache instanceof ResponseCache)
      this.subscriptions.publish(
        cache.adapterName,
        (_context, params) => cache.feed(this.name, params).feedId,
      )
    else this.subscriptions.publish(undefined)
  }

  /** No connection, or one that is closed for good. One that is closing counts as open. */
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
    together(this.wsConnection, () => {
      for (const message of messages) {
        try {
          this.wsConnection?.send(this.serializeMessage(message))
        } catch (error) {
          this.refuse('builder-failed', () => 'a message that cannot be sent', error)
        }
      }
    })
    return Promise.resolve()
  }

  startHeartbeat(context: EndpointContext<T>): void {
    this.stopHeartbeat()
    const { heartbeat } = this.config.handlers
    if (heartbeat === undefined) return
    const connection = this.wsConnection
    const beat = async () => {
      // Another connection than the one it was started for, or one that is not open: this heart has stopped.
      if (connection !== this.wsConnection || connection?.readyState !== OPEN) return clearInterval(timer)
      try {
        await heartbeat(connection, context)
      } catch (err) {
        logger.warn({ err }, 'Heartbeat handler failed, will be tried later.')
      }
    }
    const timer = setInterval(() => void beat(), context.adapterSettings.WS_HEARTBEAT_INTERVAL_MS)
    this.heartbeatInterval = timer
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
    const generation = this.generation
    const url = this.currentUrl
    const isCurrent = () => generation === this.generation && !this.isStopped
    return {
      open: async () => {
        await this.config.handlers.open?.(connection, context)
        connectionReadyResolve?.(connection)
      },
      message: (event) => {
        if (!isCurrent()) return
        this.frames.read(event.data, context)
        this.subscriptions.received++
      },
      error: (event) => this.connectionErrored(event, context, url),
      close: (event) => this.closedBy(event, context, url, isCurrent()),
    }
  }

  /**
   * Opens a connection and puts its listeners on, within `WS_CONNECTION_OPEN_TIMEOUT` including the author's open handler. A
   * connection that is refused, closes or loses the race against the deadline is destroyed, and the promise rejects at once.
   */
  async establishWsConnection(
    context: EndpointContext<T>,
    url: string,
    options?: ClientOptions,
  ): Promise<WebSocket> {
    if (this.isStopped) throw new Error('The transport has stopped')
    // Only a pass that hung in an author's own code and was given up can have left one: never two sockets.
    this.attempt?.abort()
    this.generation++
    const socket = this.createSocket(url, options)
    this.connections.attempted()
    const handlers = this.buildConnectionHandlers(context, socket)
    const { open, pong } = this.config.handlers
    const attempt = connect({
      socket,
      timeoutMs: context.adapterSettings.WS_CONNECTION_OPEN_TIMEOUT,
      open: open && (() => open(socket, context)),
      onError: handlers.error,
      onOpen: (early) => {
        socket.addEventListener('message', handlers.message)
        socket.addEventListener('error', handlers.error)
        socket.addEventListener('close', handlers.close)
        if (pong !== undefined)
          socket.on('pong', (data: Buffer) => this.guarded('pong', () => pong(socket, data)))
        if (this.wsConnection !== undefined) this.farewell.take(this.wsConnection)
        this.wsConnection = socket
        this.connections.active(true)
        this.startHeartbeat(context)
        for (const event of early) handlers.message(event)
      },
      dismiss: (opening) => this.farewell.take(opening),
    })
    this.attempt = attempt
    try {
      return await attempt.opened
    } catch (error) {
      if (this.wsConnection === socket) this.retire()
      throw error
    } finally {
      if (this.attempt === attempt) this.attempt = undefined
    }
  }

  async streamHandler(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ): Promise<void> {
    const intervalMs = context.adapterSettings.BACKGROUND_EXECUTE_MS_WS
    const { desired } = subscriptions
    if (subscriptions.new.length === 0 && this.wsConnection === undefined) return this[WAKE].wait(intervalMs)

    const pass = this.currentPass
    const isUnresponsive = this.noteIfUnresponsive(context)
    const url = await this.urlFor(context, desired)
    this.ensureCurrent(pass)

    if (!this.connectionClosed() && (url !== this.currentUrl || isUnresponsive)) {
      const why = url === this.currentUrl ? 'no usable message for too long' : 'the URL changed'
      logger.info({ url: shownUrl(url) }, `Replacing the connection: ${why}`)
      await this.waitUntilOldEnough()
      this.ensureCurrent(pass)
      // One that closed meanwhile stays in its place, so that its pause is kept and then ends.
      if (!this.connectionClosed()) this.retire()
      // Nothing is subscribed any more, and it must not look so if the rest of this pass fails.
      this.localSubscriptions = []
    }
    if (this.connectionClosed() && desired.length > 0) {
      if (!(await this.reconnection.isDueWithin(intervalMs))) return
      await this.reconnect(context, url, subscriptions, pass)
    }
    await this.sendSubscriptions(context, subscriptions)
    if (this.config.closeWhenIdle && desired.length === 0 && !this.connectionClosed()) this.retire()
    await this[WAKE].wait(intervalMs)
  }

  override async shutdown(): Promise<void> {
    const stopping = super.shutdown()
    this.stopping.abort()
    this.attempt?.abort()
    this.reconnection.stop()
    const unsubscribed = this.unsubscribeAll()
    if (unsubscribed !== undefined) await unsubscribed
    this.retire()
    this.subscriptions.stop()
    this.intake.stop()
    await stopping
    await this.farewell.gone()
  }

  /** Polite, and no more: who stops waits for no message for long. Undefined where there is nothing to say. */
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

  protected override wasUnheard(error: unknown): boolean {
    return reasonOf(error)?.code === 'CONNECTION_REFUSED'
  }

  /** Counts something of the provider's that is not served, and names it in the log once per interval. */
  protected refuse(reason: RefusalReason, detail: () => unknown, error?: unknown): void {
    this.intake.refuse(reason, detail, error)
  }

  private async urlFor(context: EndpointContext<T>, desired: Params<T>[]): Promise<string> {
    const streamHandlerInvocationsWithNoConnection = this.streamHandlerInvocationsWithNoConnection
    try {
      return await this.config.url(context, desired, { streamHandlerInvocationsWithNoConnection })
    } catch (error) {
      this.noteOutage('URL_FAILED', `The URL could not be determined: ${String(error)}`)
      throw error
    }
  }

  private async reconnect(
    context: EndpointContext<T>,
    url: string,
    subscriptions: SubscriptionDeltas<Params<T>>,
    pass: number,
  ): Promise<void> {
    try {
      // A pass that was given up is still at it: one attempt at a time.
      await (this.attempt?.opened ?? this.openAnother(context, url, subscriptions, pass))
    } catch (error) {
      const reason = reasonOf(error)
      if (this.isCurrentPass(pass))
        this.noteOutage(reason?.code ?? 'CONNECTION_FAILED', reason?.message ?? String(error))
      throw error
    }
    this.ensureCurrent(pass)
    this.connectionOpenedAt = Date.now()
    if (!this.connectionClosed()) this[OUTAGE] = undefined
  }

  private async openAnother(
    context: EndpointContext<T>,
    url: string,
    subscriptions: SubscriptionDeltas<Params<T>>,
    pass: number,
  ): Promise<void> {
    const options = await this.config.options?.(context, subscriptions.desired)
    this.ensureCurrent(pass)
    // What was subscribed died with its connection: nothing to unsubscribe on the next one.
    if (this.connectionOpenedAt > 0) subscriptions.stale = []
    this.currentUrl = url
    this.providerDataStreamEstablished = Date.now()
    this.localSubscriptions = []
    this.subscribed = undefined
    subscriptions.new = subscriptions.desired
    this.subscriptions.keepOnly(context, subscriptions.desired)
    const connection = await this.establishWsConnection(context, url, options)
    // A subclass may have taken its time: too late, and not the one in use, it is nobody's.
    const isLate = this.isStopped || !this.isCurrentPass(pass)
    if (isLate && connection !== this.wsConnection) this.farewell.take(connection)
    this.ensureCurrent(pass)
    this.wsConnection = connection
  }

  private createSocket(url: string, options: ClientOptions | undefined): WebSocket {
    try {
      const socket = new (WebSocketClassProvider.get())(url, undefined, options)
      noteWire(socket)
      return socket
    } catch (cause) {
      throw cause instanceof SyntaxError ? noUrl(cause) : cause
    }
  }

  private async sendSubscriptions(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ): Promise<void> {
    let wasSent = false
    // A closing socket takes nothing; everything wanted is subscribed on the connection that follows.
    if (!this.connectionClosed() && this.wsConnection?.readyState !== CLOSING) {
      const messages = this.subscriptionMessageBuilder?.(context, subscriptions) ?? []
      if (messages.length > 0) await this.sendMessages(context, messages)
      wasSent = messages.length > 0
      this.subscribed = { context, feeds: subscriptions.desired }
    }
    this.subscriptions.subscribed(context, subscriptions.new, wasSent)
    this.subscriptions.unsubscribed(context, subscriptions.stale)
  }

  private noteIfUnresponsive(context: EndpointContext<T>): boolean {
    const now = Date.now()
    const sinceMessage = Math.max(0, now - this.lastMessageReceivedAt)
    const sinceOpen = Math.max(0, now - this.connectionOpenedAt)
    const activity = Math.min(sinceMessage, sinceOpen)
    const isUnresponsive = activity > 0 && activity > context.adapterSettings.WS_SUBSCRIPTION_UNRESPONSIVE_TTL
    if (isUnresponsive) {
      this.countFailover(this.currentUrl)
      // contract 17.1: the first attempts count too, but nobody need read that nothing came since 1970.
      if (this.connectionOpenedAt === 0) return true
      logger.info(
        `Nothing usable received for ${activity} ms. Failover counter incremented to ${this.streamHandlerInvocationsWithNoConnection}`,
      )
    }
    return isUnresponsive
  }

  private async waitUntilOldEnough(): Promise<void> {
    const age = Date.now() - this.connectionOpenedAt
    if (age < MIN_CONNECTION_AGE_MS)
      await sleep(MIN_CONNECTION_AGE_MS - Math.max(0, age), this.stopping.signal)
  }

  /** Lets go of the connection: from here on it is closed, whatever it still says. */
  private retire(): void {
    this.generation++
    this.stopHeartbeat()
    this.connections.active(false)
    this.subscriptions.disconnected()
    const socket = this.wsConnection
    this.wsConnection = undefined
    if (socket !== undefined) this.farewell.take(socket)
  }

  private ensureCurrent(pass: number): void {
    if (this.isStopped) throw new Error('The transport has stopped')
    if (!this.isCurrentPass(pass)) throw new Error('A later pass has taken over from one that hung')
  }

  private builderFailed(params: Params<T>, error: unknown, isWanted: boolean): void {
    this.refuse('builder-failed', () => params, error)
    this.limiter.run('builder', (repeated) => {
      logger.warn({ err: error, repeated, params }, 'A subscription message could not be built')
    })
    if (!isWanted) return
    const message = error instanceof Error ? error.message : String(error)
    this.intake.writeError(params, 500, `The subscription message could not be built: ${message}`)
  }

  private connectionErrored(event: WebSocket.ErrorEvent, context: EndpointContext<T>, url: string): void {
    const message = textOf(event)
    logger.warn({ code: codeOf(event), url: shownUrl(url) }, `WebSocket error: ${message}`)
    this.connections.errored(message)
    this.guarded('error', () => this.config.handlers.error?.(event, context))
  }

  private closedBy(
    event: WebSocket.CloseEvent,
    context: EndpointContext<T>,
    connectionUrl: string,
    isCurrent: boolean,
  ): void {
    const { code } = event
    const reason = typeof event.reason === 'string' && event.reason !== '' ? event.reason : 'none'
    const url = shownUrl(connectionUrl)
    this.connections.closed(code, connectionUrl)
    if (isCurrent) this.lost(code, reason, connectionUrl, context)
    else logger.debug(`A replaced WebSocket closed (code: ${code}, reason: ${reason}). URL: ${url}`)
    this.guarded('close', () => this.config.handlers.close?.(event, context))
  }

  /** The connection in use has closed: count, note why, and come back after a pause. */
  private lost(code: number, reason: string, url: string, context: EndpointContext<T>): void {
    this.connections.active(false)
    this.stopHeartbeat()
    this.subscriptions.disconnected()
    if (code === 1000) {
      logger.debug(`WebSocket closed normally. URL: ${shownUrl(url)}`)
    } else {
      this.countFailover(url)
      logger.warn(
        `WebSocket closed abnormally (code: ${code}, reason: ${reason}). ` +
          `Failover counter incremented to ${this.streamHandlerInvocationsWithNoConnection}. URL: ${shownUrl(url)}`,
      )
    }
    this.noteOutage(
      'CONNECTION_CLOSED',
      `The provider closed the connection (code: ${code}, reason: ${reason})`,
    )
    const livedMs = Date.now() - this.connectionOpenedAt
    const wasUsed = this.lastMessageReceivedAt >= this.connectionOpenedAt
    this.reconnection.again({ settings: context.adapterSettings, livedMs, wasUsed }, () => this[WAKE].wake())
  }

  private countFailover(url: string): void {
    this.streamHandlerInvocationsWithNoConnection += 1
    this.connections.failedOver(this.name, url, this.streamHandlerInvocationsWithNoConnection)
  }

  private noteOutage(code: string, message: string): void {
    this[OUTAGE] = goingOn(this[OUTAGE], { code, message })
  }

  private guarded(handler: string, call: () => unknown): void {
    const failed = (err: unknown) => logger.warn({ err }, `The author's ${handler} handler failed`)
    try {
      const result = call()
      if (result instanceof Promise) result.catch(failed)
    } catch (err) {
      failed(err)
    }
  }
}
