import { memberOf } from '../util/objects'
import { type AxiosRequestConfig, type AxiosResponse } from 'axios'
import { type App, dataProviderMetricsLabel } from '../metrics/labels'
import { metrics } from '../metrics/registry'
import { type RateLimiter } from './rate-limiter'
import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { type Backoff, exact, exponentialBackoff, longerBy, steadyBackoff } from '../util/backoff'
import { MAX_RETRY_AFTER_MS } from '../util/retry-after'
import { sleep } from '../util/sleep'
import { EvictedError, TurnQueue } from '../util/turns'
import { unlessAborted } from '../util/unless-aborted'
import { AdapterRateLimitError } from '../validation/errors'
import { goingOn, type Reason } from '../validation/reason'
import { type Origin, originOf, Origins } from './origins'
import { Overtaking } from './overtaking'
import { PendingRequest, type RequesterResult, UnwantedError } from './pending-request'
import { describeFailure, isFailureOfHost, isWorthRetrying, providerError, statusOf } from './provider-error'
import { ProviderPause, type Ticket } from './provider-pause'
import { type RedirectOptions, redirectRefusedIn } from '../util/redirects'
import { retryAfterOf } from './retry-after'
import { Sender } from './sender'
import { monotonicMs } from '../util/clock'

export { type RequesterResult }

const logger = makeLogger('Requester')

const OVERFLOW =
  'The EA was unable to execute the request to fetch the requested data from the DP because the request queue overflowed. This likely indicates that a higher API tier is needed.'

const CANCELED = 'ERR_CANCELED'

/** Where the queue is full, it is looked through for what nobody wants any more at most this often. */
const BETWEEN_LOOKS_MS = 1_000

/** A request is tried again only if the pause that the provider asked for is no longer than this; else it fails at once. */
const LONGEST_PAUSE_BEFORE_RETRY_MS = 5_000

interface RequesterSettings {
  API_TIMEOUT: number
  RETRY: number
  REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: number
  MAX_HTTP_REQUEST_QUEUE_LENGTH: number
}

/** How a provider is spared beyond contract 11. Nobody is where adapters' tests have recorded what is sent when (contract 16.6). */
export interface Courtesy {
  /** The shortest time between two passes of a transport over its feeds, in ms; 0 where the rate limiter paces them. */
  readonly passMs: number
}

/** How a transport of ours asks. */
export interface Asking {
  /** Whether it goes ahead of the requests that wait: for a feed that has no value yet. */
  isUrgent: boolean
  /** Whether the answer is still of use. A request for which no caller says so is dropped before it is sent (RL-5). */
  isWanted: () => boolean
  /** Called when {@link Requester.troubleWith} has something new to say: an attempt has failed, or has to wait for its host. */
  onTrouble?: () => void
  /** Whether 401 and 403 say something about a credential that the caller renews, and nothing about the host. */
  renewsCredential?: boolean
}

interface Order {
  key: string
  pending: PendingRequest
  config: AxiosRequestConfig & RedirectOptions
  cost: number | undefined
}

/** contract 11: one second, then two, four and so on, each with up to one second more; or always as long as the setting says. */
const backoffOf = ({ REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: fixedMs }: RequesterSettings): Backoff =>
  fixedMs
    ? steadyBackoff(fixedMs, exact)
    : exponentialBackoff({ minMs: 1_000, maxMs: Infinity, factor: 2, jitter: longerBy(() => 1_000) })

/** RL-4: what a failed request says about its host. One that its author has cancelled says nothing. */
const settle = (pause: ProviderPause, ticket: Ticket, error: unknown, renewsCredential: boolean): void => {
  if (memberOf(error, 'code') === CANCELED) pause.abandoned(ticket)
  else if (isFailureOfHost(error, renewsCredential)) pause.failed(ticket, error)
  else pause.passed(ticket)
}

/**
 * All HTTP requests to data providers go through this (contract 11). They share one budget and are sent in the order in which they came;
 * callers with the same key share one request, and failures are tried again. `Retry-After` is obeyed. A request that the provider
 * refuses as wrong is not repeated.
 */
export class Requester {
  private readonly pending = new Map<string, PendingRequest>()
  private readonly origins: Origins
  private readonly queue: TurnQueue
  private readonly overtaking = new Overtaking()
  private readonly demand = new Map<object, (number | undefined)[]>()
  private readonly sender: Sender
  private readonly failing = new LogLimiter()
  private publishedLength = 0
  private lookedAtMs = -Infinity
  private failingHosts = 0
  private isStopped = false
  /** Whether those who ask log by themselves that their requests fail, and that they do not any more. */
  private isToldOf = false

  constructor(
    private readonly rateLimiter: RateLimiter,
    private readonly settings: RequesterSettings,
    readonly courtesy?: Courtesy,
    /** Whose requests the metrics count them as. Default: the process's. */
    private readonly app: App = {},
  ) {
    const { MAX_HTTP_REQUEST_QUEUE_LENGTH: maxWaiting } = settings
    this.queue = new TurnQueue(maxWaiting)
    this.sender = new Sender(rateLimiter, courtesy !== undefined)
    const overflow = (): Error => this.overflow()
    this.origins = new Origins(
      (origin) =>
        new ProviderPause({
          maxWaiters: maxWaiting,
          overflow,
          ...(courtesy && { onBreaker: (isOpen: boolean) => this.reportBreaker(origin, isOpen) }),
        }),
    )
  }

  /**
   * Sends a request in its turn. While one with the same key is pending, callers share its outcome.
   *
   * @param key - what makes two requests the same; not the request itself, which may hold times and nonces
   * @param req - its `timeout` is set to `API_TIMEOUT` unless it has one
   * @param cost - credits that the provider charges, 1 by default
   * @throws AdapterDataProviderError when the provider answered with an error, AdapterConnectionError when it did not answer, both
   * after all retries; AdapterRateLimitError when the queue overflowed, or the provider asked for a long pause
   */
  request<T>(
    key: string,
    req: AxiosRequestConfig & RedirectOptions,
    cost?: number,
  ): Promise<RequesterResult<T>> {
    return this.enqueue(key, req, cost, {})
  }

  /**
   * The same, for a request that may be urgent, and that may be of no more use when its turn comes.
   *
   * @throws UnwantedError, too, when it was dropped for that
   */
  requestWhile<T>(
    key: string,
    req: AxiosRequestConfig & RedirectOptions,
    cost: number | undefined,
    asking: Asking,
  ): Promise<RequesterResult<T>> {
    this.isToldOf = true
    return this.enqueue(key, req, cost, asking)
  }

  /** Whether a request with this key would share the outcome of one before it. */
  isPending(key: string): boolean {
    return this.pending.has(key)
  }

  /** Resolves when the pending request with this key has had its turn, or waits for its host; at once if there is none. */
  hasLeftQueue(key: string): Promise<void> {
    return this.pending.get(key)?.left ?? Promise.resolve()
  }

  /** Whether a request with this key has had its turn, or waits for its host, and has no outcome yet. */
  isInFlight(key: string): boolean {
    return this.pending.get(key)?.hasLeftQueue ?? false
  }

  /** Why a pending request waits, while no request to its host is sent. */
  pauseOf(key: string): Reason | undefined {
    return this.pending.get(key)?.waitsFor?.reason
  }

  /** Why a pending request has no answer yet, if it is known. */
  troubleWith(key: string): Reason | undefined {
    const request = this.pending.get(key)
    const pause = request?.waitsFor?.reason
    if (pause !== undefined) return goingOn(request?.trouble ?? pause, pause)
    if (request === undefined || request.trouble !== undefined || request.hasLeftQueue)
      return request?.trouble
    // When the limiter lets requests through, this one has only not had its turn yet: that is no trouble.
    if (this.rateLimiter.msUntilNextExecution() <= 0) return undefined
    const { sinceUnixMs } = request
    return {
      code: 'RATE_LIMITED',
      message: 'The request waits for its turn within the rate limit',
      sinceUnixMs,
    }
  }

  /**
   * How long a pass over all that is requested regularly takes within the rate limit, in ms; 0 where that is not known.
   *
   * @param of - whose requests these are; those that others told of are added
   * @param costs - of each request of a pass
   */
  msForPass(of: object, costs: (number | undefined)[]): number {
    this.demand.set(of, costs)
    const limiter: RateLimiter & { msFor?: (costs: (number | undefined)[]) => number } = this.rateLimiter
    return limiter.msFor?.([...this.demand.values()].flat()) ?? 0
  }

  /** Does what the first request would take time for, so that it is sent when it seems to be. */
  warmUp(): void {
    this.sender.load()
  }

  /** Gives up a pending request, whether it is queued or in flight. Its promise is rejected with an {@link UnwantedError}. */
  cancel(key: string): void {
    this.pending.get(key)?.cancel()
  }

  /** Gives up everything that is pending, and leaves no timer. Later requests are refused. */
  stop(): void {
    this.isStopped = true
    for (const request of this.pending.values()) request.cancel()
    metrics.get('providerHostsFailing').dec(this.app, this.failingHosts)
    this.failingHosts = 0
    this.origins.stop()
    this.sender.close(this.origins.names)
    const limiter: RateLimiter & { stop?: () => void } = this.rateLimiter
    limiter.stop?.()
  }

  private enqueue<T>(
    key: string,
    config: AxiosRequestConfig & RedirectOptions,
    cost: number | undefined,
    { isUrgent = false, isWanted, onTrouble, renewsCredential = false }: Partial<Asking>,
  ): Promise<RequesterResult<T>> {
    const known = this.pending.get(key)
    known?.joinedBy(isWanted)
    if (known !== undefined) return known.outcome as Promise<RequesterResult<T>>
    const pending = new PendingRequest()
    pending.joinedBy(isWanted)
    pending.renewsCredential = renewsCredential
    pending.onTrouble = onTrouble
    this.pending.set(key, pending)
    pending.outcome = this.perform({ key, pending, config, cost }, isUrgent).finally(() => {
      this.pending.delete(key)
      pending.markLeft()
    })
    return pending.outcome as Promise<RequesterResult<T>>
  }

  private async perform(order: Order, isUrgent: boolean): Promise<RequesterResult<unknown>> {
    if (this.isStopped) throw new Error('The adapter has stopped: it sends no more requests')
    const { config, pending } = order
    // contract 11: the caller's object is changed
    config.timeout ||= this.settings.API_TIMEOUT
    const origin = this.origins.of(config)
    // Before the request is admitted: it counts as sent from then on.
    this.sender.load()
    let backoff = backoffOf(this.settings)
    for (let attempt = 0; ; attempt++) {
      const ticket = await this.admission(order, origin.pause, isUrgent && attempt === 0)
      pending.markLeft()
      pending.isInFlight = true
      try {
        return await this.attempt(order, origin, ticket)
      } catch (error) {
        pending.isInFlight = false
        if (pending.signal.aborted || attempt >= this.settings.RETRY || !this.mayRetry(error, origin.pause))
          throw error
        const { delayMs, next } = backoff.next()
        backoff = next
        this.noteTrouble(pending, memberOf(error, 'cause'), delayMs)
        logger.debug({ attempt, delayMs }, 'A request to the data provider failed and will be tried again')
        await sleep(delayMs, pending.signal)
      }
    }
  }

  /** Waits first for a pause to end and then for the budget, so that a request which waits for a pause does not delay others. */
  private async admission(order: Order, pause: ProviderPause, isUrgent: boolean): Promise<Ticket> {
    for (;;) {
      const ticket = await this.entry(order, pause)
      try {
        await this.turn(order, isUrgent)
      } catch (error) {
        pause.abandoned(ticket)
        throw error
      }
      if (pause.admits(ticket)) return ticket
    }
  }

  private async entry({ key, pending }: Order, pause: ProviderPause): Promise<Ticket> {
    this.makeRoom()
    const entering = pause.enter(key, pending.signal)
    if (pause.reason !== undefined) {
      pending.waitsFor = pause
      pending.markLeft()
      pending.onTrouble?.()
    }
    try {
      return await entering
    } finally {
      pending.waitsFor = undefined
    }
  }

  private async turn(order: Order, isUrgent: boolean): Promise<void> {
    const running = isUrgent ? this.urgentTurn(order) : this.regularTurn(order)
    this.publishLength()
    try {
      await running
    } catch (error) {
      throw error instanceof EvictedError ? this.overflow() : error
    } finally {
      this.publishLength()
    }
  }

  /** A request that has its turn gives its permission to send to an urgent one, as long as there is one, and waits again. */
  private regularTurn(order: Order): Promise<void> {
    return this.queue.runInTurn(
      async () => {
        do await this.budget(order)
        while (this.overtaking.give(order.cost))
      },
      { signal: order.pending.signal },
    )
  }

  private urgentTurn(order: Order): Promise<void> {
    return this.overtaking.take(order, (hasBegun, leaving) =>
      this.queue.runInTurn(
        () => {
          hasBegun()
          return this.budget(order)
        },
        { isUrgent: true, signal: leaving },
      ),
    )
  }

  /** @throws UnwantedError when nobody wants the answer any more, before or after the wait */
  private async budget({ pending, cost }: Order): Promise<void> {
    if (!pending.isWanted) throw new UnwantedError()
    const { rateLimiter, courtesy } = this
    const admitted =
      courtesy === undefined
        ? rateLimiter.waitForRateLimit(cost)
        : rateLimiter.waitForRateLimit(cost, pending)
    await unlessAborted(admitted, pending.signal)
  }

  /** RL-5: where as many wait as may, those go whose answers nobody wants any more, before one is refused that somebody wants. */
  private makeRoom(): void {
    const now = monotonicMs()
    const { MAX_HTTP_REQUEST_QUEUE_LENGTH: maxWaiting } = this.settings
    if (this.pending.size <= maxWaiting || now - this.lookedAtMs < BETWEEN_LOOKS_MS) return
    this.lookedAtMs = now
    for (const pending of this.pending.values()) if (!pending.isInFlight && !pending.isWanted) pending.drop()
  }

  private async attempt(
    { config, pending, cost }: Order,
    origin: Origin,
    ticket: Ticket,
  ): Promise<RequesterResult<unknown>> {
    const { signal } = pending
    const { pause } = origin
    const requestedAt = Date.now()
    const startedAtMs = monotonicMs()
    let response: AxiosResponse<unknown> | undefined
    let failure: { error: unknown } | undefined
    try {
      response = await this.sender.send(config, cost, signal, origin.start)
    } catch (error) {
      if (signal.aborted) {
        pause.abandoned(ticket)
        throw error
      }
      failure = { error }
    }
    const receivedAt = Date.now()
    const timestamps = { providerDataRequestedUnixMs: requestedAt, providerDataReceivedUnixMs: receivedAt }
    const answered = failure?.error ?? { response }
    this.record(config, statusOf(answered) ?? 0, monotonicMs() - startedAtMs)
    const pauseMs = retryAfterOf(answered, receivedAt)
    if (pauseMs !== undefined) this.beginPause(config, pause, pauseMs)
    else if (failure === undefined) pause.passed(ticket)
    else settle(pause, ticket, failure.error, pending.renewsCredential)
    if (failure === undefined && response !== undefined) return { response, timestamps }
    throw providerError(failure?.error ?? new Error('The HTTP client returned nothing'), config, timestamps)
  }

  private mayRetry(error: unknown, pause: ProviderPause): boolean {
    if (!isWorthRetrying(statusOf(memberOf(error, 'cause'))) || redirectRefusedIn(error)) return false
    return pause.remainingMs() <= LONGEST_PAUSE_BEFORE_RETRY_MS
  }

  private beginPause(config: AxiosRequestConfig, pause: ProviderPause, pauseMs: number): void {
    pause.begin(pauseMs)
    const fields = {
      provider: originOf(config),
      pauseMs: Math.min(pauseMs, MAX_RETRY_AFTER_MS),
      askedMs: pauseMs,
    }
    if (pauseMs > MAX_RETRY_AFTER_MS)
      named(logger, this).warn(fields, 'A data provider asked for a pause beyond all reason')
    else logger.debug(fields, 'A data provider asked for a pause')
  }

  private overflow(): AdapterRateLimitError {
    metrics.get('requesterQueueOverflow').inc(this.app, 1)
    return new AdapterRateLimitError({
      statusCode: 429,
      message: OVERFLOW,
      msUntilNextExecution: this.rateLimiter.msUntilNextExecution(),
    })
  }

  private noteTrouble(pending: PendingRequest, cause: unknown, delayMs: number): void {
    const now = Date.now()
    const reason = { ...describeFailure(cause), nextAttemptUnixMs: now + delayMs }
    pending.trouble = goingOn(pending.trouble, reason, now)
    pending.onTrouble?.()
  }

  private reportBreaker(provider: string, isOpen: boolean): void {
    if (this.isStopped) return
    metrics.get('providerHostsFailing').inc(this.app, isOpen ? 1 : -1)
    this.failingHosts += isOpen ? 1 : -1
    if (isOpen) metrics.get('providerBreakerOpenings').inc(this.app, 1)
    const own = named(logger, this)
    const text = isOpen
      ? 'A host of the data provider fails: it is asked by single requests until it answers'
      : 'A host of the data provider answers again'
    const isTold =
      !this.isToldOf &&
      (isOpen
        ? this.failing.run(provider, (repeated) => own.warn({ provider, repeated }, text))
        : this.failing.over(provider, ({ lastedMs }) => own.info({ provider, lastedMs }, text)))
    if (!isTold) own.debug({ provider }, text)
  }

  private record({ method }: AxiosRequestConfig, status: number, tookMs: number): void {
    metrics.get('dataProviderRequests').inc({ ...this.app, ...dataProviderMetricsLabel(status, method) })
    metrics
      .get('dataProviderRequestDurationSeconds')
      .of(this.app.app_name)
      .observe(tookMs / 1_000)
  }

  /** The adapters of one process share the gauge, so each adds its own changes. */
  private publishLength(): void {
    const { length } = this.queue
    metrics.get('requesterQueueSize').inc(this.app, length - this.publishedLength)
    this.publishedLength = length
  }
}
