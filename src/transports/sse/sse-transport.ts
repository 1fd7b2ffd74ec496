import { type EventSource } from 'eventsource'
import { arrival } from '../../util/clock'
import { LogLimiter } from '../../util/log-limiter'
import { named } from '../../util/line-owner'
import { makeLogger } from '../../util/logging'
import { shownUrl } from '../../connections/connection-stats'
import { wellShaped } from '../../util/shape'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { type ConnectionStatus } from '../../connections/connection-status'
import {
  FAILURES,
  GOODBYE,
  LEAVE,
  LINKS,
  OUTAGE,
  RECORDS,
  SEEN,
  STALL,
  type Stall,
  WAKE,
} from '../capabilities'
import { type Reason } from '../../validation/reason'
import { type Requester } from '../../outbound-http/requester'
import { RawRecords } from '../raw-records'
import { sightReason } from '../sight'
import { StreamIntake } from '../stream-intake'
import { connectionError, noUrl } from '../../connections/connection-error'
import { ConnectionLife } from '../../connections/connection-life'
import { HostPauses } from '../../connections/host-pauses'
import { SseConnection } from './connection'
import {
  type SSEConfig,
  type SseEventListener,
  type SseTransportConfig,
  type SseTransportGenerics,
} from './config'
import { type EventSourceClass, initOf, loadEventSource, MAX_EVENT_CHARACTERS, onFlood } from './event-source'
import { QuietStream, UNRESPONSIVE } from './quiet-stream'
import { SessionRequests } from './session-requests'
import { sseShape } from './shape'
import { afterClose } from '../stream-retries'
import { StreamingTransport, type SubscriptionDeltas } from '../streaming-transport'
import { type EndpointContext, type TransportDependencies } from '../transport'
import { Retry } from '../../connections/retry'
import { monotonicMs } from '../../util/clock'
import { sleep } from '../../util/sleep'

const logger = makeLogger('SseTransport')

/** How long a provider may take to begin its stream. */
const OPEN_TIMEOUT_MS = 10_000

/** How long the provider may take at the end to hear that nothing is wanted any more. */
const GOODBYE_MS = 500

type Params<T extends SseTransportGenerics> = TypeFromDefinition<T['Parameters']>

/**
 * Fills feeds from server-sent events (contract 10.6): one stream of events, and separate requests that subscribe feeds on it. When a
 * stream ends, a new one is opened after a pause, and all wanted feeds are subscribed again.
 */
export class SseTransport<T extends SseTransportGenerics> extends StreamingTransport<T> {
  EventSource!: EventSourceClass
  eventListeners: SseEventListener<T>[]
  sseConnection?: EventSource
  /** The time when the last request was sent. */
  timeOfLastReq = 0
  requester!: Requester
  lastMessageReceivedAt = 0

  private readonly config: SseTransportConfig<T>
  private connection: SseConnection | undefined
  private generation = 0
  private openedAtMs = 0
  private openedAtUnixMs = 0
  private currentUrl = ''
  private suggestedUrl: string | undefined
  private readonly life = new ConnectionLife()
  private readonly reconnection = new Retry(afterClose)
  private readonly pauses = new HostPauses(() => this.tryAgainNow())
  readonly [RECORDS] = new RawRecords()
  private readonly intake = new StreamIntake<T>(this)
  private readonly quiet = new QuietStream()
  private readonly limiter = new LogLimiter()
  private readonly requests: SessionRequests<T>
  private lastPass: { context: EndpointContext<T>; feeds: Params<T>[] } | undefined

  constructor(given: SseTransportConfig<T>) {
    super()
    const config = (this.config = wellShaped(this, given, sseShape))
    this.eventListeners = config.eventListeners
    this.requests = new SessionRequests(this, config, this.intake, {
      identityOf: (params) => this.identityOf(params),
      isCaseSensitive: () => this.isCaseSensitive,
      onFailure: () => this[FAILURES].tell(),
    })
  }

  /** Why there may be no value: the stream is down, or a subscription request failed. */
  get [OUTAGE](): Reason | undefined {
    const { isOpen = false } = this.connection ?? {}
    const outage = this.life.outage()
    const reason = (isOpen ? outage : this.withNextPass(outage)) ?? this.requests.outage
    return this.intake.words.in(reason)
  }

  [STALL](params: object): Stall | undefined {
    if (this.connection?.isOpen === true) return this.requests.stallOf(params as Params<T>)
    return this.stallBy(this.life.outage(), false)
  }

  [SEEN](given: object): Reason | undefined {
    const { connection, openedAtUnixMs, lastMessageReceivedAt: lastUnixMs } = this
    if (connection?.isOpen !== true || openedAtUnixMs < this.providerDataStreamEstablished) return undefined
    const params = given as Params<T>
    const hasHeard = lastUnixMs >= openedAtUnixMs
    const sight = {
      connectedUnixMs: openedAtUnixMs,
      subscribedUnixMs: this.requests.sinceOf(params),
      received: hasHeard ? `values, the last at ${new Date(lastUnixMs).toISOString()}` : 'no value at all',
    }
    return sightReason(sight, this.responseCache.feed(this.name, params).lastSetAt)
  }

  [LINKS](): ConnectionStatus[] {
    const { lastMessageReceivedAt: lastMessageUnixMs, connection, lastPass } = this
    const details = {
      subscriptions: connection?.isOpen === true ? (lastPass?.feeds.length ?? 0) : 0,
      ...(lastMessageUnixMs > 0 && { lastMessageUnixMs }),
    }
    return [{ ...this.life.status(this.currentUrl), details }]
  }

  [GOODBYE](): Promise<void> | undefined {
    const { lastPass, connection } = this
    if (lastPass === undefined || lastPass.feeds.length === 0 || connection?.isOpen !== true) return undefined
    const patience = new AbortController()
    const said = this.requests.leave(lastPass.context, lastPass.feeds).finally(() => patience.abort())
    return Promise.race([said, sleep(GOODBYE_MS, patience.signal)])
  }

  [LEAVE](): void {
    this.retire()
    this.beginAnew()
  }

  getSubscriptionTtlFromConfig(adapterSettings: T['Settings']): number {
    return adapterSettings.SSE_SUBSCRIPTION_TTL
  }

  override async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    transportName: string,
  ): Promise<void> {
    await super.initialize(dependencies, adapterSettings, endpointName, transportName)
    this.requester = dependencies.requester
    this.EventSource = dependencies.eventSource ?? loadEventSource()
  }

  async streamHandler(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ): Promise<void> {
    const { BACKGROUND_EXECUTE_MS_SSE: intervalMs } = context.adapterSettings
    const { desired } = subscriptions
    const pass = this.currentPass
    this.lastPass = { context, feeds: desired }
    this.connection?.check()
    if (this.isElsewhere(context, desired)) this.leave('the URL changed')
    if (this.isUnresponsive(context, desired)) {
      this.leave('nothing usable for too long')
      this.life.trouble(UNRESPONSIVE)
    }
    if ((this.connection === undefined || this.connection.isClosed) && desired.length > 0) {
      if (await this.reconnection.isDueWithin(intervalMs)) await this.connect(context, subscriptions, pass)
      else return this.requests.unsubscribe(context, subscriptions.stale)
    }
    this.requests.subscribe(context, subscriptions)
    this.requests.unsubscribe(context, subscriptions.stale)
    this.tellOfReturn(desired.length)
    if (desired.length > 0) this.requests.keepSessionAlive(context)
    await this[WAKE].wait(intervalMs)
  }

  override async shutdown(): Promise<void> {
    const stopping = super.shutdown()
    this.reconnection.stop()
    this.pauses.stop()
    this.requests.stop()
    this.retire()
    this.intake.stop()
    await stopping
  }

  /**
   * Whether the stream should have another URL. The author's code must return the new URL twice in a row, so that a nonce in it changes
   * nothing.
   */
  private isElsewhere(context: EndpointContext<T>, desired: Params<T>[]): boolean {
    if (this.connection === undefined || this.connection.isClosed || desired.length === 0) return false
    let url: string
    try {
      ;({ url } = this.config.prepareSSEConnectionConfig(desired, context))
    } catch (err) {
      // The open stream stays in use.
      this.warn('connection config', { err }, 'The connection config of an open stream could not be made')
      return false
    }
    const isConfirmed = url === this.suggestedUrl
    this.suggestedUrl = url === this.currentUrl ? undefined : url
    return isConfirmed && url !== this.currentUrl && this.pauses.hold(url) === undefined
  }

  private isUnresponsive({ adapterSettings }: EndpointContext<T>, desired: Params<T>[]): boolean {
    if (desired.length === 0 || this.connection?.isOpen !== true) this.quiet.excuse()
    // Without the right to open another one, this stream is better than none.
    return (
      this.quiet.isUnresponsive(this.lastMessageReceivedAt, adapterSettings) &&
      this.pauses.hold(this.currentUrl) === undefined
    )
  }

  private leave(why: string): void {
    named(logger, this).info({ url: shownUrl(this.currentUrl) }, `Replacing the stream: ${why}`)
    this.retire()
    this.localSubscriptions = []
  }

  private async connect(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
    pass: number,
  ): Promise<void> {
    this.retire()
    const config = this.configFor(context, subscriptions.desired)
    this.respectPause(config)
    try {
      await this.pauses.attempt(config.url, () => this.open(context, subscriptions, config).opened)
    } catch (error) {
      if (this.isCurrentPass(pass)) this.failed(config, error)
      throw error
    }
    if (this.isStopped) throw new Error('The transport has stopped')
    if (!this.isCurrentPass(pass)) throw new Error('A later pass has taken over from one that hung')
    this.openedAtMs = monotonicMs()
    this.quiet.excuse()
    this.openedAtUnixMs = Date.now()
    // It may have ended already.
    if (this.connection?.isClosed === false) this.life.open()
  }

  protected override get isKeptAway(): boolean {
    return this.pauses.hold(this.currentUrl) !== undefined
  }

  private failed({ url }: SSEConfig, error: unknown): void {
    this.life.failed(error)
    const hold = this.pauses.hold(url)
    if (hold !== undefined) this.life.held(hold)
  }

  /** @throws Error while the host has a pause, so that this is like a failed attempt */
  private respectPause({ url }: SSEConfig): void {
    const hold = this.pauses.hold(url)
    if (hold === undefined) return
    this.life.held(hold)
    throw hold.error
  }

  private open(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
    config: SSEConfig,
  ): SseConnection {
    const { url } = config
    this.life.connecting()
    const generation = ++this.generation
    this.requests.begin()
    this.intake.words.begin()
    this.currentUrl = url
    this.suggestedUrl = undefined
    this.providerDataStreamEstablished = Date.now()
    this.localSubscriptions = []
    subscriptions.new = subscriptions.desired
    const source = this.createSource(url, initOf(config))
    onFlood(source, (limit) => this.intake.refuse('flood', () => `too many ${limit} that say nothing`))
    this.sseConnection = source
    this.connection = new SseConnection(source, {
      timeoutMs: OPEN_TIMEOUT_MS,
      events: this.eventListeners.map((listener) => ({
        type: listener.type,
        receive: (event: MessageEvent) => {
          if (generation === this.generation) this.receive(listener, event)
        },
      })),
      onLost: ({ code, message }) => {
        if (generation !== this.generation) return
        if (code === 'PROTOCOL_VIOLATED') this.intake.refuse('too-large', () => message)
        this.lost(context, code, message)
      },
    })
    return this.connection
  }

  private configFor(context: EndpointContext<T>, desired: Params<T>[]): SSEConfig {
    try {
      return this.config.prepareSSEConnectionConfig(desired, context)
    } catch (cause) {
      const error = connectionError('URL_FAILED', 'The connection config could not be made', cause)
      this.life.failed(error)
      throw error
    }
  }

  private createSource(url: string, init: SSEConfig['eventSourceInitDict']): EventSource {
    try {
      return new this.EventSource(url, init)
    } catch (cause) {
      throw noUrl(cause)
    }
  }

  private receive({ parseResponse }: SseEventListener<T>, event: MessageEvent): void {
    const at = arrival()
    const data: unknown = event?.data
    if (typeof data === 'string' && data.length > MAX_EVENT_CHARACTERS) {
      this.intake.refuse('too-large', () => `an event of ${data.length} characters`)
      return
    }
    try {
      const results = parseResponse(event)
      if (this.intake.records.isOn) this.intake.keepRaw(results, data)
      this.intake.accept(results, at, 'parseResponse')
    } catch (error) {
      this.intake.handlerFailed(() => data, error)
    }
  }

  /** The stream in use has ended: records why, and plans the next one after a pause. */
  private lost(context: EndpointContext<T>, code: string, message: string): void {
    const fields = { url: shownUrl(this.currentUrl), code }
    this.outages.failed({ level: 'warn', fields, text: `The stream ended: ${message}`, logger })
    this.life.trouble({ code, message })
    const livedMs = monotonicMs() - this.openedAtMs
    const wasUsed = this.lastMessageReceivedAt >= this.openedAtUnixMs
    const end = { settings: context.adapterSettings, livedMs, wasUsed }
    const { delayMs } = this.reconnection.again(end, () => {
      this.life.due()
      this[WAKE].wake()
    })
    this.life.waiting(delayMs)
    this[WAKE].wake()
  }

  /** Closes the stream; what it still sends is ignored. */
  private retire(): void {
    this.generation++
    this.connection?.close()
    this.connection = undefined
    this.sseConnection = undefined
    this.life.over(this.isStopped ? 'stopped' : 'idle')
  }

  private warn(kind: string, fields: object, message: string): void {
    this.limiter.run(kind, (repeated) => named(logger, this).warn({ ...fields, repeated }, message))
  }
}
