import { OutageLines } from '../connections/outage-lines'
import { Retry } from '../connections/retry'
import { appOf } from '../metrics/labels'
import { metrics } from '../metrics/registry'
import { DeltaTracker, diff, type SubscriptionDeltas } from '../feeds/delta'
import { ExpiringSortedSet } from '../feeds/expiring-sorted-set'
import { RedisSubscriptionSet } from '../redis/redis-subscription-set'
import { makeLogger } from '../util/logging'
import { monotonicMs } from '../util/clock'
import { Listeners } from '../util/listeners'
import { WakeSignal } from '../util/wake-signal'
import { type TypeFromDefinition } from '../validation/input-parameters'
import { type Reason } from '../validation/reason'
import { FAILURES, OUTAGE, type Stall, WAKE } from './capabilities'
import { stallUntilNext } from './stall'
import { afterFailedPass, type FailedPass, type NominalDelay } from './stream-retries'
import { SubscriptionTransport } from './subscription-transport'
import { type EndpointContext, type TransportDependencies, type TransportGenerics } from './transport'

export { type SubscriptionDeltas }

const logger = makeLogger('StreamingTransport')

/** The longest pass of a stream that backs off, so that its loop does not stay silent for long. */
const BACKOFF_LOOK_MS = 1_000

type Params<T extends TransportGenerics> = TypeFromDefinition<T['Parameters']>

/**
 * A transport with a stream. Its handler gets the feeds that became wanted or unwanted since it last succeeded. When the handler fails, the
 * transport backs off (contract 10.3). A newly wanted feed wakes it at once.
 */
export abstract class StreamingTransport<const T extends TransportGenerics> extends SubscriptionTransport<T> {
  /** The feeds that the stream handler has subscribed. */
  localSubscriptions: Params<T>[] = []
  providerDataStreamEstablished = 0
  retryCount = 0
  retryTime = 0

  readonly [WAKE] = new WakeSignal()
  readonly [FAILURES] = new Listeners()
  /** What is logged of the times without a connection. */
  protected readonly outages = new OutageLines(this, logger)
  private readonly retry = new Retry<FailedPass, NominalDelay>(afterFailedPass)
  private tracker: DeltaTracker<Params<T>> | undefined
  private settled: Params<T>[] | undefined
  private pass = 0
  /** When the wait after a failed pass ends, by the monotonic clock. */
  private dueMs = 0
  /** True when the adapter has stopped: no new connection may be opened. */
  protected isStopped = false

  override async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    name: string,
  ): Promise<void> {
    await super.initialize(dependencies, adapterSettings, endpointName, name)
    const set = this.subscriptionSet
    if (set instanceof RedisSubscriptionSet) set.follow(() => this[WAKE].wake())
    if (!(set instanceof ExpiringSortedSet)) return
    set.follow(() => this[WAKE].wake())
    this.tracker = new DeltaTracker(set as ExpiringSortedSet<Params<T>>)
    this.settled = this.localSubscriptions
  }

  /** Keeps the first spelling of a feed while it is wanted, so that the provider always gets the same bytes. */
  override want(params: Params<T>, key: string): void | Promise<void> {
    const set = this.subscriptionSet
    if (set instanceof ExpiringSortedSet && set.refresh(key, this.subscriptionTtl)) return
    return super.want(params, key)
  }

  /** Nothing is subscribed any more, and a pass that has begun changes nothing: the next one subscribes all that is wanted. */
  protected beginAnew(): void {
    this.pass++
    this.settled = undefined
    this.localSubscriptions = []
  }

  async backgroundHandler(context: EndpointContext<T>, desiredSubs: Params<T>[]): Promise<void> {
    const pass = ++this.pass
    if (desiredSubs.length === 0) this.outages.forget()
    if (this.isBackingOff()) {
      this.outages.lasts()
      await this.retry.isDueWithin(BACKOFF_LOOK_MS)
      return
    }
    this[WAKE].clear()
    const isWholeSet = desiredSubs === this.lastLook
    const deltas = isWholeSet ? this.takeDeltas(desiredSubs) : this.computeDeltas(desiredSubs)
    const { desired } = deltas
    try {
      await this.streamHandler(context, deltas)
    } catch (error) {
      if (this.isCurrentPass(pass) && !this.isStopped) this.backOff(context, error)
      return
    }
    if (!this.isCurrentPass(pass)) return
    this.retryCount = 0
    this.retry.reset()
    this.localSubscriptions = desired
    // The tracker knows only the set. After a list of a subclass's own, the next deltas have to be computed once.
    this.settled = isWholeSet ? desired : undefined
    this.tracker?.settle()
    this[FAILURES].tell()
    this.tellOfReturn(desired.length)
  }

  /**
   * The number of the pass that is running. If a handler hung and was given up, a later pass is running, and the handler must not change
   * anything.
   */
  protected get currentPass(): number {
    return this.pass
  }

  protected isCurrentPass(pass: number): boolean {
    return pass === this.pass
  }

  /** Makes the stream match the wanted feeds. If it rejects, none of the deltas counts as done. */
  abstract streamHandler(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ): Promise<void>

  shutdown(): Promise<void> {
    this.isStopped = true
    this.retry.stop()
    this[WAKE].wake()
    return Promise.resolve()
  }

  private takeDeltas(wanted: Params<T>[]): SubscriptionDeltas<Params<T>> {
    // Both come from the same moment: a feed that was added between two reads would be new but not desired.
    const desired = this.tracker === undefined ? wanted : (this.subscriptionSet.getAll() as Params<T>[])
    const tracked = this.tracker?.take(desired)
    // Other code (a reconnect, an author's subclass) has assigned localSubscriptions, so the deltas are computed from it.
    if (tracked === undefined || this.localSubscriptions !== this.settled) return this.computeDeltas(desired)
    return { ...tracked, stale: this.inOrder(tracked.stale) }
  }

  private computeDeltas(desired: Params<T>[]): SubscriptionDeltas<Params<T>> {
    return diff(desired, this.localSubscriptions, this.identityOf)
  }

  /** contract 10.3: stale feeds come in the order in which they were subscribed, not in which they expired. */
  private inOrder(stale: Params<T>[]): Params<T>[] {
    if (stale.length < 2) return stale
    const isStale = new Set(stale)
    const ordered = this.localSubscriptions.filter((params) => isStale.has(params))
    return ordered.length === stale.length ? ordered : stale
  }

  /** Ends the wait after a failed pass at once, because there is reason to expect that another one succeeds. */
  protected tryAgainNow(): void {
    this.retry.now()
    this[WAKE].wake()
  }

  /** Whether it is known that the failed attempt did not reach the provider. Then the wait grows more slowly than the settings say. */
  protected wasUnheard(_error: unknown): boolean {
    return false
  }

  /** How long to wait after a failed attempt, in ms, where something else than the settings decides on that. */
  protected pauseAfter(_error: unknown): number | undefined {
    return undefined
  }

  /** Whether the provider keeps attempts away for a time, at whose end {@link tryAgainNow} is called. */
  protected get isKeptAway(): boolean {
    return false
  }

  /** The outage of a stream that is not open, with when the next pass tries again where that is later. */
  protected withNextPass(outage: Reason | undefined): Reason | undefined {
    const leftMs = this.pauseLeftMs
    if (outage === undefined || leftMs <= 0 || this.isKeptAway) return outage
    const nextAttemptUnixMs = Math.max(outage.nextAttemptUnixMs ?? 0, Math.round(Date.now() + leftMs))
    return { ...outage, nextAttemptUnixMs }
  }

  /** @param mayHelp - whether the next attempt may be at another URL */
  protected stallBy(outage: Reason | undefined, mayHelp: boolean): Stall | undefined {
    return stallUntilNext(this.withNextPass(outage), mayHelp)
  }

  /** Ends what is logged of an outage, if the stream is connected. To be called as soon as that may be so. */
  protected tellOfReturn(feeds: number): void {
    if (!this.outages.isOpen || (this as { [OUTAGE]?: Reason | undefined })[OUTAGE] !== undefined) return
    this.outages.over(() => `${feeds} ${feeds === 1 ? 'feed' : 'feeds'} subscribed`)
  }

  private get pauseLeftMs(): number {
    return this.isBackingOff() ? this.dueMs - monotonicMs() : 0
  }

  private isBackingOff(): boolean {
    return this.retry.isWaiting && this.retryTime > 0
  }

  private backOff(context: EndpointContext<T>, error: unknown): void {
    this.outages.failed({
      level: 'error',
      fields: { err: error },
      text: `The stream of ${context.endpointName} (${this.name}) failed: ${String(error)}`,
    })
    const labels = { adapter_endpoint: context.endpointName, transport: this.name }
    metrics.get('streamHandlerErrors').inc({ ...appOf(this.responseCache), ...labels })
    // A timer ends the wait, not the clock: it must end even where Date.now does not advance.
    const { nominalMs: waitMs, delayMs } = this.retry.again(
      {
        settings: context.adapterSettings,
        wasUnheard: this.wasUnheard(error),
        pauseMs: this.pauseAfter(error),
      },
      () => this[WAKE].wake(),
    )
    this.dueMs = monotonicMs() + delayMs
    this.retryTime = Date.now() + waitMs
    this.retryCount += 1
    this[FAILURES].tell()
    logger.debug(
      `Waiting up to ${Math.round(waitMs)} ms before attempt ${this.retryCount + 1} of ${context.endpointName}`,
    )
  }
}
