import { type AxiosRequestConfig } from 'axios'
import { type Identify } from '../../feeds/delta'
import { calculateHttpRequestKey, type KeySettings } from '../../feeds/keys'
import { brokenAnswer } from '../../outbound-http/broken-answer'
import { describeFailure, providerStatusOf } from '../../outbound-http/provider-error'
import { type Requester } from '../../outbound-http/requester'
import { Gate } from '../../util/gate'
import { LogLimiter } from '../../util/log-limiter'
import { named } from '../../util/line-owner'
import { makeLogger } from '../../util/logging'
import { memberOf, messageOf } from '../../util/objects'
import { type WakeSignal } from '../../util/wake-signal'
import { AdapterDataProviderError } from '../../validation/errors'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { classOf, classOfStatus, goingOn, type Reason } from '../../validation/reason'
import { type Stall, WAKE } from '../capabilities'
import { stall } from '../stall'
import { type StreamIntake } from '../stream-intake'
import { type SubscriptionDeltas } from '../streaming-transport'
import { type EndpointContext } from '../transport'
import { type SseTransportConfig, type SseTransportGenerics } from './config'
import { SubscriptionRequests } from './subscription-requests'

const logger = makeLogger('SseTransport')

/** Of ours, not the symbol's fault. */
const UNBUILT = { code: 'SUBSCRIBE_FAILED', class: 'internal' } as const

/** What the failure of a subscription request says. */
const failureOf = (error: unknown): Omit<Reason, 'sinceUnixMs'> & { isAnswer: boolean } => {
  const cause = memberOf(error, 'cause')
  const status = error instanceof AdapterDataProviderError ? providerStatusOf(error) : undefined
  const failure = describeFailure(cause ?? error)
  const message = `The subscription request failed: ${failure.message}`
  if (brokenAnswer(cause) !== undefined) return { ...failure, message, isAnswer: false }
  if (status === undefined)
    return { code: 'SUBSCRIBE_FAILED', class: classOf(failure), message, isAnswer: false }
  const kind = status >= 500 ? classOf(failure) : classOfStatus(status)
  return {
    code: 'SUBSCRIBE_FAILED',
    message: `The subscription request failed with status ${status}`,
    ...(kind && { class: kind }),
    isAnswer: true,
  }
}

type Params<T extends SseTransportGenerics> = TypeFromDefinition<T['Parameters']>

/** Read at each use, because adapters assign these members. */
export interface SessionHost {
  readonly name: string
  readonly requester: Requester
  readonly [WAKE]: WakeSignal
  timeOfLastReq: number
}

/** The requests beside a stream: they subscribe feeds on it, unsubscribe them, and keep the provider's session alive. */
export class SessionRequests<T extends SseTransportGenerics> {
  /** Why the last subscription failed, until one succeeds. */
  outage: Reason | undefined
  private readonly subscriptions: SubscriptionRequests<Params<T>>
  /** When the request that subscribed a feed on this stream was answered, in Unix ms, by the feed's identity. */
  private readonly since = new Map<string, number>()
  /** Open when a request that keeps the provider's session alive is due. */
  private readonly keepAlive = new Gate()
  private readonly limiter = new LogLimiter()
  private streams = 0

  constructor(
    private readonly host: SessionHost,
    private readonly config: SseTransportConfig<T>,
    private readonly intake: StreamIntake<T>,
    private readonly of: {
      identityOf: Identify
      isCaseSensitive: () => boolean
      /** Called when a subscription request has failed. */
      onFailure: () => void
    },
  ) {
    this.subscriptions = new SubscriptionRequests(() => host[WAKE].wake(), of.identityOf)
  }

  /** A new stream is opened, on which nothing is subscribed. */
  begin(): void {
    this.streams++
    this.subscriptions.reset()
    this.since.clear()
  }

  stop(): void {
    this.subscriptions.stop()
    this.keepAlive.stop()
  }

  /** Subscribes what is new, and again what is due after a failure. */
  subscribe(context: EndpointContext<T>, { desired, new: fresh }: SubscriptionDeltas<Params<T>>): void {
    const { identityOf } = this.of
    const included = new Set(fresh.map(identityOf))
    const again = this.subscriptions.takeDue(desired).filter((params) => !included.has(identityOf(params)))
    const built = this.build(context, [...fresh, ...again])
    if (built === undefined) return
    const { streams } = this
    const subscribed = () => {
      if (streams === this.streams) this.note(built.params)
      this.subscriptions.succeeded()
      this.outage = undefined
    }
    this.send(context, built.params, built.request, '', subscribed, (error) =>
      this.failed(context, built.params, error),
    )
  }

  unsubscribe(context: EndpointContext<T>, params: Params<T>[]): void {
    if (params.length === 0) return
    const forget = () => params.forEach((one) => this.since.delete(this.of.identityOf(one)))
    forget()
    let request: AxiosRequestConfig
    try {
      request = this.config.prepareUnsubscriptionRequest(params, context)
    } catch (error) {
      this.builderFailed(params, error)
      return
    }
    // An earlier request, which subscribed them, may have been answered only meanwhile.
    this.send(context, params, request, 'unsubscribe', forget, (err) => {
      forget()
      this.warn('unsubscribe', { err }, 'An unsubscription request failed')
    })
  }

  /** The last request of all: unsubscribes these feeds. Never rejects. */
  async leave(context: EndpointContext<T>, params: Params<T>[]): Promise<void> {
    try {
      const request = this.config.prepareUnsubscriptionRequest(params, context)
      await this.request(context, params, request, 'unsubscribe')
    } catch (err) {
      logger.debug({ err }, 'What was subscribed could not be unsubscribed')
    }
  }

  /** Since when a feed is subscribed on this stream, in Unix ms; undefined where it is not. */
  sinceOf(params: Params<T>): number | undefined {
    return this.since.get(this.of.identityOf(params))
  }

  /** Why a feed is not subscribed until its request is sent again. */
  stallOf(params: Params<T>): Stall | undefined {
    const { outage, subscriptions } = this
    const leftMs = subscriptions.pauseOf(params)
    return outage === undefined || leftMs === undefined ? undefined : stall(outage, leftMs)
  }

  keepSessionAlive(context: EndpointContext<T>): void {
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

  private note(params: readonly Params<T>[]): void {
    const nowUnixMs = Date.now()
    for (const one of params) {
      const identity = this.of.identityOf(one)
      if (!this.since.has(identity)) this.since.set(identity, nowUnixMs)
    }
  }

  private failed({ adapterSettings }: EndpointContext<T>, params: Params<T>[], error: unknown): void {
    this.warn('subscribe', { err: error }, 'A subscription request failed')
    const leftMs = this.subscriptions.postpone(params, adapterSettings)
    const { isAnswer, ...why } = failureOf(error)
    this.outage = goingOn(this.outage, { ...why, nextAttemptUnixMs: Date.now() + leftMs })
    // A broken body is like no answer: only an error status is the provider's word.
    if (isAnswer) for (const one of params) this.intake.writeError(one, 502, why.message, this.outage)
    this.of.onFailure()
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
        this.subscriptions.postpone(params, context.adapterSettings)
        return undefined
      }
      this.builderFailed(bad, error)
      const message = `The subscription request could not be built: ${messageOf(error)}`
      for (const one of bad) this.intake.writeError(one, 500, message, UNBUILT)
      this.subscriptions.postpone(bad, context.adapterSettings)
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
    this.subscriptions.send(params, act, onFailure)
  }

  private noteRequest(context: EndpointContext<T>): void {
    this.host.timeOfLastReq = Date.now()
    this.keepAlive.close(context.adapterSettings.SSE_KEEPALIVE_SLEEP, () => this.host[WAKE].wake())
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
    const { name, requester } = this.host
    const adapterSettings = context.adapterSettings as KeySettings
    const feeds = calculateHttpRequestKey({
      context: { endpointName, adapterSettings, caseSensitive: this.of.isCaseSensitive() },
      data,
      transportName: name,
    })
    const suffix = `${kind && `-${kind}`}${this.streams > 1 ? `-${this.streams}` : ''}`
    await requester.request(`${feeds}${suffix}`, request)
  }

  private warn(kind: string, fields: object, message: string): void {
    this.limiter.run(kind, (repeated) => named(logger, this.host).warn({ ...fields, repeated }, message))
  }
}
