import { appOf, retrieveCost } from '../../metrics/labels'
import { metrics } from '../../metrics/registry'
import { ExpiringSortedSet } from '../../feeds/expiring-sorted-set'
import { RedisSubscriptionSet } from '../../redis/redis-subscription-set'
import { exact, exponentialBackoff } from '../../util/backoff'
import { isOurs } from '../../util/overridden'
import { Listeners } from '../../util/listeners'
import { asyncLocalStorage } from '../../util/logging'
import { OwnedStore } from '../../util/owner'
import { wellShaped } from '../../util/shape'
import { sleep } from '../../util/sleep'
import { WakeSignal } from '../../util/wake-signal'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { atOnceThen, type RetryRule } from '../../connections/retry'
import {
  FAILURES,
  FEED_OUTAGE,
  IS_WAITING,
  LEAVE,
  OUTAGE,
  POLLS,
  RECORDS,
  STALL,
  type Stall,
  STANDBY,
  WAKE,
} from '../capabilities'
import { stallUntilNext } from '../stall'
import { AdapterRateLimitError } from '../../validation/errors'
import { goingOn, type Reason } from '../../validation/reason'
import { UnwantedError } from '../../outbound-http/pending-request'
import { Requester, type RequesterResult } from '../../outbound-http/requester'
import { RawRecords } from '../raw-records'
import { SubscriptionTransport } from '../subscription-transport'
import { type EndpointContext, type TransportDependencies } from '../transport'
import { AnswerIntake } from './answer-intake'
import { type HttpTransportConfig, type HttpTransportGenerics } from './config'
import { failureOf, unreadable } from './failures'
import { FairOrder } from './fair-order'
import { HoldOff } from './hold-off'
import { Pace } from './pace'
import { Preparation, type PreparedRequest } from './preparation'
import { Reports } from './reports'
import { isCredentialRefusal, RequestCredential } from './request-credential'
import { RequestStates } from './request-states'
import { monotonicMs } from '../../util/clock'
import { httpShape } from './shape'
import { StandbyFeeds } from './standby-feeds'
import { WantedParams } from './wanted-params'

/** The longest pause of the loop while all requests wait to be tried again, or another transport fills all feeds. */
const HELD_LOOK_MS = 1_000

/**
 * The wait before the next pass while the author's code fails whole passes. Otherwise such a bug would fill the log at the speed of the
 * loop.
 */
const AFTER_FAILED_PASS = atOnceThen(
  exponentialBackoff({ minMs: 40, maxMs: HELD_LOOK_MS, factor: 2, jitter: exact }),
)

/** The longest wait of a pass whose requests overflowed the queue, so that it ends within its time limit. */
const MAX_OVERFLOW_WAIT_MS = 5_000

type Params<T extends HttpTransportGenerics> = TypeFromDefinition<T['Parameters']>
type Answer<T extends HttpTransportGenerics> = RequesterResult<T['Provider']['ResponseBody']>

/**
 * Keeps the values of wanted feeds current by requests, each of which gets one feed or many (contract 10.5). One pass follows another,
 * and only the rate limiter slows them (contract 17.11); where no limit is declared there is a floor below them. A feed that becomes wanted during a pass is requested in
 * parallel, ahead of the requests that still wait.
 */
export class HttpTransport<T extends HttpTransportGenerics> extends SubscriptionTransport<T> {
  readonly [POLLS] = true
  /** Whether there are feeds to keep current. */
  WARMER_ACTIVE = false
  requester!: Requester

  readonly [WAKE] = new WakeSignal()
  private readonly config: HttpTransportConfig<T>
  private readonly preparation: Preparation<T>
  readonly [RECORDS] = new RawRecords()
  private readonly intake = new AnswerIntake<T>(this)
  private readonly states = new RequestStates()
  private readonly order = new FairOrder()
  private readonly holds: HoldOff
  private readonly reports = new Reports()
  private readonly credential: RequestCredential<EndpointContext<T>> | undefined
  private pace = new Pace()
  private readonly standby = new StandbyFeeds<Params<T>>()
  private wanted = new WantedParams<Params<T>>()
  private readonly stopping = new AbortController()
  private readonly onRetry = (): void => {
    if (this.isWaitingForHold) this[WAKE].wake()
  }
  readonly [FAILURES] = new Listeners()
  private readonly onTrouble = (): void => this[FAILURES].tell()
  private context: EndpointContext<T> | undefined
  private passesInFlight = 0
  private failedPass: { delayMs: number; next: RetryRule<void> } | undefined
  private isAskingLate = false
  private isWaitingForHold = false

  constructor(given: HttpTransportConfig<T>) {
    super()
    const config = (this.config = wellShaped(this, given, httpShape))
    this.preparation = new Preparation(config, this.onRetry)
    this.holds = new HoldOff(this.onRetry)
    if (config.credential !== undefined)
      this.credential = new RequestCredential(config.credential, () => this.WARMER_ACTIVE, this)
  }

  override async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    transportName: string,
  ): Promise<void> {
    await super.initialize(dependencies, adapterSettings, endpointName, transportName)
    this.requester = dependencies.requester
    this.pace = new Pace(dependencies.requester)
    this.preparation.isCaseSensitive = this.isCaseSensitive
    const set = this.subscriptionSet
    this.wanted = new WantedParams(set, this.identityOf)
    if (set instanceof ExpiringSortedSet) set.follow(() => this.noticeAdded())
    else if (set instanceof RedisSubscriptionSet) set.follow(() => this[WAKE].wake())
  }

  getSubscriptionTtlFromConfig(adapterSettings: T['Settings']): number {
    return adapterSettings.WARMUP_SUBSCRIPTION_TTL
  }

  /** Keeps the first spelling of a feed while it is wanted, so that the provider always gets the same bytes. */
  override want(params: Params<T>, key: string): void | Promise<void> {
    const set = this.subscriptionSet
    if (set instanceof ExpiringSortedSet && set.refresh(key, this.subscriptionTtl)) return
    this.wanted.note(params, key)
    return super.want(params, key)
  }

  async backgroundHandler(context: EndpointContext<T>, wanted: Params<T>[]): Promise<void> {
    const entries = this.standby.neededOf(wanted)
    if (entries.length === 0) return this.idle(context, wanted)
    this.setWarmer(true)
    this.context = context
    const pauseMs = this.failedPass?.delayMs ?? 0
    if (pauseMs > 0) await this[WAKE].wait(pauseMs)
    const credential = this.credential && (await this.currentCredential(context))
    if (isOfThePast()) return
    if (credential === null) return this.waitForCredential()
    const added = this.takeAdded()
    this[WAKE].clear()
    const requests = this.prepare(context, entries, credential)
    const app = appOf(this.responseCache)
    metrics
      .get('httpRequestsPerBgExecute')
      .set({ ...app, adapter_endpoint: context.endpointName }, requests.length)
    const needsMs = this.pace.msFor(requests)
    if (needsMs > 0) this.reports.demand(context, { app, transport: this.name }, needsMs)
    const startedAtMs = monotonicMs()
    this.passesInFlight += 1
    try {
      void this.askBeside(context, added, entries)
      await this.pass(context, requests, added)
      this.forget(requests, entries)
      this.reports.pass(context, monotonicMs() - startedAtMs)
      await this.pace.rest(this.stopping.signal)
    } finally {
      this.passesInFlight -= 1
    }
  }

  /** Requests only the feeds for which `isNeeded` is true. Call the returned function when that may have changed. */
  [STANDBY](isNeeded: (params: Params<T>) => boolean): () => void {
    this.standby.leave(isNeeded)
    return () => this.noticeAdded()
  }

  /** Whether a request waits for its turn, or for its host. */
  [IS_WAITING](): boolean {
    const { requester } = this
    if (!(requester instanceof Requester)) return false
    return this.states.pendingKeys.some(
      (key) => !requester.isInFlight(key) || requester.pauseOf(key) !== undefined,
    )
  }

  /** CN-10: nobody takes the answers of a run that was given up, and while one is awaited no other run would ask. */
  [LEAVE](): void {
    if (!(this.requester instanceof Requester)) return
    for (const key of this.states.pendingKeys) this.requester.cancel(key)
  }

  /** Why a feed has no value yet, for the client that waits for it. */
  [FEED_OUTAGE](params: object): Reason | undefined {
    const feed = this.identityOf(params)
    const request = this.states.outageOf(feed)
    const outage = this.credential?.outage ?? this.preparation.outageOf(feed) ?? request?.outage
    const requester = this.requester instanceof Requester ? this.requester : undefined
    const pause = request && requester?.pauseOf(request.key)
    if (pause !== undefined) return goingOn(outage ?? pause, pause)
    if (request === undefined || outage !== undefined) return outage
    const trouble = requester?.troubleWith(request.key)
    if (trouble !== undefined || request.answeredAtUnixMs === undefined) return trouble
    const message = 'The data provider answered without a value for this feed'
    return { code: 'NO_DATA_YET', message, sinceUnixMs: request.answeredAtUnixMs }
  }

  /** A feed's own next attempt: others may fare better, or be asked sooner. */
  [STALL](params: object): Stall | undefined {
    return stallUntilNext(this[FEED_OUTAGE](params))
  }

  /** What is wrong, when all requests fail. */
  get [OUTAGE](): Reason | undefined {
    return this.credential?.outage ?? this.states.common
  }

  shutdown(): Promise<void> {
    this.stopping.abort()
    this.holds.stop()
    this.preparation.stop()
    this.credential?.stop()
    this.intake.stop()
    this.setWarmer(false)
    this[WAKE].wake()
    this[LEAVE]()
    return Promise.resolve()
  }

  /** Waits when there is nothing to request: no feed is wanted, or another transport fills all of them. */
  private async idle(context: EndpointContext<T>, wanted: Params<T>[]): Promise<void> {
    const { BACKGROUND_EXECUTE_MS_HTTP: intervalMs } = context.adapterSettings
    this.setWarmer(false)
    if (wanted.length > 0) this.forget([], wanted)
    await this[WAKE].wait(wanted.length > 0 ? Math.min(intervalMs, HELD_LOOK_MS) : intervalMs)
  }

  /** Null where there is none to be had; that is reported. */
  private async currentCredential(context: EndpointContext<T>): Promise<string | null> {
    try {
      return await this.credential!.value(context, context.adapterSettings.API_TIMEOUT)
    } catch (error) {
      if (!this.isStopped)
        this.reports.failure(this.credential?.outage?.code ?? 'CREDENTIAL_FAILED', context, this.name, error)
      this.onTrouble()
      return null
    }
  }

  private async waitForCredential(): Promise<void> {
    this[WAKE].clear()
    await this[WAKE].wait(Math.min(this.credential?.pauseMs ?? HELD_LOOK_MS, HELD_LOOK_MS))
  }

  private prepare(
    context: EndpointContext<T>,
    entries: Params<T>[],
    credential: string | undefined,
  ): PreparedRequest<T>[] {
    try {
      const requests = this.preparation.prepare(context, this.name, entries, credential)
      this.failedPass = undefined
      if (this.preparation.hasGuilty) this.onTrouble()
      return requests
    } catch (error) {
      this.failedPass = (this.failedPass?.next ?? AFTER_FAILED_PASS).next()
      this.onTrouble()
      throw error
    }
  }

  /** Sends all requests that are due, first those for feeds that have just become wanted, and waits for all. */
  private async pass(
    context: EndpointContext<T>,
    requests: PreparedRequest<T>[],
    added: Params<T>[],
  ): Promise<void> {
    this.pace.begin()
    const due = requests.filter(({ key }) => !this.holds.isHeld(key) && this.pace.admits(key))
    if (due.length === 0) {
      if (requests.length > 0 || this.preparation.hasGuilty) await this.waitForHold()
      return
    }
    const fresh = new Set(added.map(this.identityOf))
    const isFresh = ({ params }: PreparedRequest<T>): boolean =>
      fresh.size > 0 && params.some((one) => fresh.has(this.identityOf(one)))
    const urgent = due.filter(isFresh)
    const regular = urgent.length === 0 ? due : due.filter((request) => !isFresh(request))
    const outcomes = [
      ...urgent.map((request) => this.fulfilInTime(context, request, true)),
      ...this.order.arrange(regular).map((request) => this.fulfilInTime(context, request, false)),
    ]
    this.order.note(await Promise.all(outcomes))
  }

  /** As much of it as the pass waits for. */
  private fulfilInTime(
    context: EndpointContext<T>,
    request: PreparedRequest<T>,
    isUrgent: boolean,
  ): Promise<{ key: string; wasDropped: boolean }> {
    const { key } = request
    const outcome = this.fulfil(context, request, isUrgent)
    return this.pace.outcomeOf(key, outcome, { key, wasDropped: false })
  }

  /** Sends one request and writes its results to the cache, unless somebody who waits for the same one does. Never rejects. */
  private async fulfil(
    context: EndpointContext<T>,
    request: PreparedRequest<T>,
    isUrgent: boolean,
  ): Promise<{ key: string; wasDropped: boolean }> {
    const { key, params } = request
    const isShared = this.requester instanceof Requester && this.requester.isPending(key)
    const isTaken = this.states.began(key, params.map(this.identityOf), isShared)
    let wasDropped = false
    try {
      const answer = await this.ask(request, isUrgent)
      if (!isTaken && !this.isStopped) await this.take(context, request, answer)
    } catch (error) {
      // Whoever waits for the budget waits by itself.
      const isOthers = isTaken && !(error instanceof AdapterRateLimitError)
      if (!isOthers && !this.isStopped && !(error instanceof UnwantedError))
        wasDropped = await this.fail(context, request, error)
    } finally {
      this.states.ended(key)
      this.onRetry()
    }
    return { key, wasDropped }
  }

  private async ask(prepared: PreparedRequest<T>, isUrgent: boolean): Promise<Answer<T>> {
    const { key, params, request, cost, credential } = prepared
    const { requester } = this
    const isPlain = !(requester instanceof Requester && isOurs(requester, Requester, 'request'))
    if (isPlain) return requester.request(key, request, cost)
    const isOfUse = (): boolean => credential === undefined || this.credential?.isOfUse(credential) !== false
    const isWanted = (): boolean =>
      requester.courtesy === undefined ||
      (isOfUse() && this.standby.among(params).some((one) => this.wanted.has(one)))
    const renewsCredential = credential !== undefined
    return requester.requestWhile(key, request, cost, {
      isUrgent,
      isWanted,
      onTrouble: this.onTrouble,
      renewsCredential,
    })
  }

  private async take(
    context: EndpointContext<T>,
    request: PreparedRequest<T>,
    answer: Answer<T>,
  ): Promise<void> {
    const { key, params, credential } = request
    this.holds.succeeded(key)
    if (credential !== undefined) this.credential?.succeeded(key, credential)
    try {
      metrics
        .get('rateLimitCreditsSpentTotal')
        .inc(
          { ...appOf(this.responseCache), feed_id: 'N/A', participant_id: '9002' },
          Math.max(0, retrieveCost(answer.response.data)),
        )
      const results = this.config.parseResponse(params, answer.response, context.adapterSettings)
      if (this.intake.records.isOn) this.intake.keepRaw(results, answer.response.data)
      await this.intake.accept(results, answer.timestamps)
      this.states.answered(key)
      this.reports.success(context, this.name, key)
    } catch (error) {
      const { refused, ...why } = unreadable(answer.response, error)
      this.intake.refuse(refused, () => answer.response.data, error)
      this.states.failed(key, why)
      this.reports.failure(why.code, context, this.name, error, key)
      this.onTrouble()
    }
  }

  /**
   * Handles a failed request.
   *
   * @returns whether it was dropped because the budget is used up
   */
  private async fail(
    context: EndpointContext<T>,
    request: PreparedRequest<T>,
    error: unknown,
  ): Promise<boolean> {
    const { key, params, credential } = request
    const isRefusal = credential !== undefined && isCredentialRefusal(error)
    const { response, outage, refused, intervalMs, waitMs } = failureOf(
      error,
      context.adapterSettings.CACHE_MAX_AGE,
      isRefusal,
    )
    if (isRefusal && this.credential?.refused(key, credential) === true) {
      this.states.failed(key, outage)
      this.onTrouble()
      return false
    }
    if (refused !== undefined) this.intake.refuse(refused, () => outage.message)
    const delayMs = intervalMs === undefined ? waitMs : this.holds.failed(key, intervalMs.min, intervalMs.max)
    const nextAttemptUnixMs = Math.max(outage.nextAttemptUnixMs ?? 0, Date.now() + delayMs)
    const why = { ...outage, nextAttemptUnixMs }
    this.states.failed(key, why)
    this.reports.failure(outage.code, context, this.name, error, key)
    try {
      if (response !== undefined) await this.intake.writeError(params, response, why)
    } catch (writeError) {
      this.reports.failure('write', context, this.name, writeError)
    }
    // After the error, which is a better answer.
    this.onTrouble()
    if (waitMs > 0) await sleep(Math.min(waitMs, MAX_OVERFLOW_WAIT_MS), this.stopping.signal)
    return intervalMs === undefined
  }

  private noticeAdded(): void {
    this[WAKE].wake()
    if (this.passesInFlight === 0 || this.isAskingLate) return
    this.isAskingLate = true
    void Promise.resolve().then(() => this.askLate())
  }

  /**
   * Requests feeds that became wanted during a pass. Further feeds that become wanted before these requests have left the queue are
   * requested together.
   */
  private async askLate(): Promise<void> {
    while (this.passesInFlight > 0 && !this.isStopped) {
      const added = this.takeAdded()
      if (added.length === 0) break
      this[WAKE].clear()
      await this.askBeside(this.context!, added)
    }
    this.isAskingLate = false
  }

  /**
   * Requests feeds in parallel with a pass, except those that are in the pass. Resolves when the requests have left the queue; never
   * rejects.
   */
  private async askBeside(
    context: EndpointContext<T>,
    added: Params<T>[],
    pass: Params<T>[] = [],
  ): Promise<void> {
    const inPass = new Set(pass)
    const late = added.filter((params) => !inPass.has(params))
    if (late.length === 0) return
    const credential = this.credential && (await this.currentCredential(context))
    if (credential === null || isOfThePast()) return
    try {
      const requests = this.preparation
        .prepare(context, this.name, late, credential)
        .filter(({ key }) => !this.holds.isHeld(key) && this.pace.admitsBeside(key))
      await Promise.all(
        requests.map((request) => {
          const fulfilled = this.fulfil(context, request, true)
          return this.requester instanceof Requester ? this.requester.hasLeftQueue(request.key) : fulfilled
        }),
      )
    } catch (error) {
      this.reports.failure('PREPARE_FAILED', context, this.name, error)
    }
  }

  /** The feeds that have become wanted, or are no longer filled by another transport, since the last call. */
  private takeAdded(): Params<T>[] {
    const set = this.subscriptionSet
    const added =
      set instanceof ExpiringSortedSet ? ([...set.takeChanges().added.values()] as Params<T>[]) : []
    return [...new Set([...this.standby.among(added), ...this.standby.takeRoused()])]
  }

  private async waitForHold(): Promise<void> {
    this.isWaitingForHold = true
    await this[WAKE].wait(HELD_LOOK_MS)
    this.isWaitingForHold = false
  }

  private forget(requests: PreparedRequest<T>[], entries: Params<T>[]): void {
    const keys = new Set(requests.map(({ key }) => key))
    this.states.retain((key) => keys.has(key) || this.holds.isHeld(key))
    this.holds.retain((key) => keys.has(key))
    this.reports.retain((key) => keys.has(key) || this.holds.isHeld(key))
    this.credential?.retain((key) => keys.has(key))
    if (!this.preparation.hasGuilty) return
    const feeds = new Set(entries.map(this.identityOf))
    this.preparation.retain((feed) => feeds.has(feed))
  }

  private setWarmer(isActive: boolean): void {
    if (this.WARMER_ACTIVE === isActive) return
    this.WARMER_ACTIVE = isActive
    const labels = { ...appOf(this.responseCache), isBatched: 'true' }
    metrics.get('cacheWarmerCount').inc(labels, isActive ? 1 : -1)
  }

  private get isStopped(): boolean {
    return this.stopping.signal.aborted
  }
}

/** Whether the code that runs was given up while it waited, and another run asks in its place. */
const isOfThePast = (): boolean => OwnedStore.isGivenUp(asyncLocalStorage.getStore())
