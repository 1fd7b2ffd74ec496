import { providerStatusOf } from '../../outbound-http/provider-error'
import { type AxiosRequestConfig } from 'axios'
import { type EventSource } from 'eventsource'
import { calculateHttpRequestKey, type KeySettings } from '../../feeds/keys'
import { Gate } from '../../util/gate'
import { LogLimiter } from '../../util/log-limiter'
import { makeLogger } from '../../util/logging'
import { safeUrl } from '../../util/redaction'
import { AdapterDataProviderError } from '../../validation/errors'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { OUTAGE, WAKE } from '../capabilities'
import { goingOn, type Reason } from '../../validation/reason'
import { type Requester } from '../../outbound-http/requester'
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
import { type EventSourceClass, loadEventSource } from './event-source'
import { SubscriptionRequests } from './subscription-requests'
import { afterClose } from '../stream-retries'
import { StreamingTransport, type SubscriptionDeltas } from '../streaming-transport'
import { type EndpointContext, type TransportDependencies } from '../transport'
import { Retry } from '../../connections/retry'
import { monotonicMs } from '../../util/clock'

const logger = makeLogger('SseTransport')

/** How long a provider may take to begin its stream. */
const OPEN_TIMEOUT_MS = 10_000

const MAX_EVENT_CHARACTERS = 8 * 1024 * 1024

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

  private connection: SseConnection | undefined
  private generation = 0
  private streams = 0
  private openedAtMs = 0
  private openedAtUnixMs = 0
  private currentUrl = ''
  private suggestedUrl: string | undefined
  private readonly life = new ConnectionLife()
  private requestOutage: Reason | undefined
  private readonly reconnection = new Retry(afterClose)
  private readonly pauses = new HostPauses(() => this.tryAgainNow())
  private readonly requests = new SubscriptionRequests<Params<T>>(
    () => this[WAKE].wake(),
    (params) => this.identityOf(params),
  )
  /** Open when a request that keeps the provider's session alive is due. */
  private readonly keepAlive = new Gate()
  private readonly intake = new StreamIntake<T>(this)
  private readonly limiter = new LogLimiter()

  constructor(private readonly config: SseTransportConfig<T>) {
    super()
    this.eventListeners = config.eventListeners
  }

  /** Why there may be no value: the stream is down, or a subscription request failed. */
  get [OUTAGE](): Reason | undefined {
    return this.life.outage() ?? this.requestOutage
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
    this.connection?.check()
    if (this.isElsewhere(context, desired)) {
      logger.info({ url: safeUrl(this.currentUrl) }, 'Replacing the stream: the URL changed')
      this.retire()
      this.localSubscriptions = []
    }
    if ((this.connection === undefined || this.connection.isClosed) && desired.length > 0) {
      if (await this.reconnection.isDueWithin(intervalMs)) await this.connect(context, subscriptions, pass)
      else return this.unsubscribe(context, subscriptions.stale)
    }
    this.subscribe(context, [...subscriptions.new, ...this.dueAgain(subscriptions)])
    this.unsubscribe(context, subscriptions.stale)
    if (desired.length > 0) this.keepSessionAlive(context)
    await this[WAKE].wait(intervalMs)
  }

  override async shutdown(): Promise<void> {
    const stopping = super.shutdown()
    this.reconnection.stop()
    this.pauses.stop()
    this.requests.stop()
    this.keepAlive.stop()
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
    this.openedAtUnixMs = Date.now()
    // It may have ended already.
    if (this.connection?.isClosed === false) this.life.open()
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
    { url, eventSourceInitDict }: SSEConfig,
  ): SseConnection {
    this.life.connecting()
    const generation = ++this.generation
    this.streams++
    this.requests.reset()
    this.currentUrl = url
    this.suggestedUrl = undefined
    this.providerDataStreamEstablished = Date.now()
    this.localSubscriptions = []
    subscriptions.new = subscriptions.desired
    const source = this.createSource(url, eventSourceInitDict)
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
        if (generation === this.generation) this.lost(context, code, message)
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
    const receivedAt = Date.now()
    const data: unknown = event?.data
    if (typeof data === 'string' && data.length > MAX_EVENT_CHARACTERS) {
      this.intake.refuse('too-large', () => `an event of ${data.length} characters`)
      return
    }
    try {
      this.intake.accept(parseResponse(event), receivedAt, 'parseResponse')
    } catch (error) {
      this.intake.refuse('handler-failed', () => data, error)
    }
  }

  /** The stream in use has ended: records why, and plans the next one after a pause. */
  private lost(context: EndpointContext<T>, code: string, message: string): void {
    logger.warn({ url: safeUrl(this.currentUrl), code }, `The stream ended: ${message}`)
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

  private dueAgain({ desired, new: fresh }: SubscriptionDeltas<Params<T>>): Params<T>[] {
    const included = new Set(fresh.map(this.identityOf))
    return this.requests.takeDue(desired).filter((params) => !included.has(this.identityOf(params)))
  }

  private subscribe(context: EndpointContext<T>, params: Params<T>[]): void {
    const built = this.build(context, params)
    if (built === undefined) return
    const { adapterSettings } = context
    const subscribed = () => {
      this.requests.succeeded()
      this.requestOutage = undefined
    }
    this.send(context, built.params, built.request, '', subscribed, (error) => {
      this.warn('subscribe', { err: error }, 'A subscription request failed')
      this.requests.postpone(built.params, adapterSettings)
      const providerStatusCode = providerStatusOf(error)
      const reason =
        providerStatusCode === undefined
          ? 'The subscription request failed'
          : `The subscription request failed with status ${providerStatusCode}`
      this.requestOutage = goingOn(this.requestOutage, { code: 'SUBSCRIBE_FAILED', message: reason })
      if (error instanceof AdapterDataProviderError)
        for (const one of built.params) this.intake.writeError(one, 502, reason)
    })
  }

  private unsubscribe(context: EndpointContext<T>, params: Params<T>[]): void {
    if (params.length === 0) return
    let request: AxiosRequestConfig
    try {
      request = this.config.prepareUnsubscriptionRequest(params, context)
    } catch (error) {
      this.builderFailed(params, error)
      return
    }
    const done = () => {}
    this.send(context, params, request, 'unsubscribe', done, (err) =>
      this.warn('unsubscribe', { err }, 'An unsubscription request failed'),
    )
  }

  private keepSessionAlive(context: EndpointContext<T>): void {
    const { prepareKeepAliveRequest } = this.config
    if (prepareKeepAliveRequest === undefined || this.keepAlive.isClosed) return
    const failed = (err: unknown) => this.warn('keep-alive', { err }, 'A keep-alive request failed')
    try {
      const request = prepareKeepAliveRequest(context)
      this.noteRequest(context)
      void this.request(context, [], request, 'keep-alive').catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  /**
   * Builds one request for all feeds. If that fails, it builds one for all feeds whose request can be built, so that a bad feed does not
   * affect the others (IS-4).
   */
  private build(
    context: EndpointContext<T>,
    params: Params<T>[],
  ): { params: Params<T>[]; request: AxiosRequestConfig } | undefined {
    if (params.length === 0) return undefined
    try {
      return { params, request: this.config.prepareSubscriptionRequest(params, context) }
    } catch (error) {
      const good = params.filter((one) => params.length > 1 && this.canBuild(context, one))
      const bad = params.filter((one) => !good.includes(one))
      if (bad.length === 0) {
        this.builderFailed(params, error)
        this.requests.postpone(params, context.adapterSettings)
        return undefined
      }
      this.builderFailed(bad, error)
      const message = `The subscription request could not be built: ${error instanceof Error ? error.message : String(error)}`
      for (const one of bad) this.intake.writeError(one, 500, message)
      this.requests.postpone(bad, context.adapterSettings)
      return this.build(context, good)
    }
  }

  private canBuild(context: EndpointContext<T>, params: Params<T>): boolean {
    try {
      this.config.prepareSubscriptionRequest([params], context)
      return true
    } catch {
      return false
    }
  }

  private builderFailed(params: Params<T>[], err: unknown): void {
    this.intake.refuse('builder-failed', () => params, err)
    this.warn('builder', { err, params }, 'A subscription request could not be built')
  }

  private send(
    context: EndpointContext<T>,
    params: Params<T>[],
    request: AxiosRequestConfig,
    kind: string,
    onSuccess: () => void,
    onFailure: (error: unknown) => void,
  ): void {
    this.noteRequest(context)
    const act = async (): Promise<void> => {
      await this.request(context, params, request, kind)
      onSuccess()
    }
    this.requests.send(params, act, onFailure)
  }

  private noteRequest(context: EndpointContext<T>): void {
    this.timeOfLastReq = Date.now()
    this.keepAlive.close(context.adapterSettings.SSE_KEEPALIVE_SLEEP, () => this[WAKE].wake())
  }

  /**
   * Sends a request. The requester shares one answer between requests with the same key, so requests of another kind, or for another
   * stream, get another key.
   */
  private async request(
    context: EndpointContext<T>,
    params: Params<T>[],
    request: AxiosRequestConfig,
    kind: string,
  ): Promise<void> {
    const data: Record<string, unknown>[] = params
    const { endpointName } = context
    const adapterSettings = context.adapterSettings as KeySettings
    const feeds = calculateHttpRequestKey({
      context: { endpointName, adapterSettings, caseSensitive: this.isCaseSensitive },
      data,
      transportName: this.name,
    })
    const suffix = `${kind && `-${kind}`}${this.streams > 1 ? `-${this.streams}` : ''}`
    await this.requester.request(`${feeds}${suffix}`, request)
  }

  private warn(kind: string, fields: object, message: string): void {
    this.limiter.run(kind, (repeated) => logger.warn({ ...fields, repeated }, message))
  }
}
