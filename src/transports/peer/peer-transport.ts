import { type App, appOf } from '../../metrics/labels'
import { type Feed } from '../../feeds/feed'
import { ResponseCache } from '../../feeds/response-cache'
import { type ProviderResult } from '../../feeds/responses'
import { type SubscriptionDeltas } from '../../feeds/delta'
import { ExpiringSortedSet } from '../../feeds/expiring-sorted-set'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { CONNECTIONS, LEAVE, OUTAGE, WAKE } from '../capabilities'
import { type Reason } from '../../validation/reason'
import { type ConnectionStatus } from '../../connections/connection-status'
import { StreamIntake } from '../stream-intake'
import { StreamingTransport } from '../streaming-transport'
import { type EndpointContext, type TransportGenerics } from '../transport'
import { localLayerOf } from '../../feeds/local-cache'
import { instant } from '../../util/clock'

/** The most feeds that peers may fill although nobody has requested them. */
const MAX_UNASKED_FEEDS = 1_000

/**
 * A transport to peers that decide themselves what they send: values come whether they are wanted or not, and nothing is subscribed. All
 * values are written to the response cache (endpoints set `onlyWanted: false` in their guards), so that the first request for a feed is
 * answered with what came before it, but never with a value older than `CACHE_MAX_AGE`. The number of feeds is limited, so that a peer
 * cannot fill the memory with invented ones.
 */
export abstract class PeerTransport<T extends TransportGenerics> extends StreamingTransport<T> {
  /** The time when a peer last sent something usable. */
  lastMessageReceivedAt = 0
  /** The most feeds that nobody needs to have requested. Further ones are refused as `unknown-feed`. */
  protected maxUnaskedFeeds = MAX_UNASKED_FEEDS
  protected readonly intake = new StreamIntake<T>(this)
  /** Whose connections and series they are: for what counts them. */
  protected readonly app = (): App => appOf(this.responseCache)
  private readonly unasked = new Set<Feed>()
  /** Its connections are being given up, or have been: none of what still comes counts. */
  private leaving: Promise<void> | undefined

  getSubscriptionTtlFromConfig(adapterSettings: T['Settings']): number {
    return adapterSettings.WS_SUBSCRIPTION_TTL
  }

  async streamHandler(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<TypeFromDefinition<T['Parameters']>>,
  ): Promise<void> {
    if (this.leaving !== undefined && !(await this.beginsAgain(this.leaving))) return
    await this.tend(context, subscriptions)
    await this[WAKE].wait(context.adapterSettings.BACKGROUND_EXECUTE_MS_WS)
  }

  override async shutdown(): Promise<void> {
    await super.shutdown()
    await (this.leaving ?? this.letGo())
    this.intake.stop()
  }

  [LEAVE](): void {
    this.leaving ??= this.letGo().catch((error: unknown) =>
      this.fault('handler-failed', () => 'the end of its connections', error),
    )
    this.beginAnew()
  }

  /** For `/status`. */
  [CONNECTIONS](): ConnectionStatus[] {
    return this.connections()
  }

  get [OUTAGE](): Reason | undefined {
    return this.outage()
  }

  /**
   * Called on every pass, and at once when {@link WAKE} is woken. It must open, once, what has to stay open. If it throws, the loop backs
   * off.
   */
  protected abstract tend(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<TypeFromDefinition<T['Parameters']>>,
  ): Promise<void> | void

  /** Closes all connections and timers; resolves when they are gone. */
  protected abstract letGo(): Promise<void>

  /** Makes anew what {@link letGo} has ended for good, when its adapter begins again. {@link tend} follows. */
  protected abstract renew(): Promise<void> | void

  protected abstract connections(): ConnectionStatus[]

  /** Why no values can come now; undefined while they can. */
  protected abstract outage(): Reason | undefined

  /** Writes what a peer sent, through the endpoint's guards. Never throws: a failure is counted. */
  protected deliver(results: ProviderResult<T>[] | undefined, receivedAt: number): void {
    if (this.leaving !== undefined) return
    try {
      const known = results?.filter((result) => this.isWelcome(result))
      this.intake.accept(known, instant(receivedAt), 'the handler')
    } catch (error) {
      this.fault('handler-failed', () => 'results that cannot be written', error)
    }
  }

  /**
   * Counts something that is not served in `data_refused`, and logs it once per minute.
   *
   * @param reason - one of a fixed set, because it is a label
   * @param detail - gives what to log; called only when a log line is due. It must contain no secret
   */
  protected fault(reason: string, detail: () => unknown, error?: unknown): void {
    this.intake.refuse(reason, detail, error)
  }

  /** @returns false where another pass, or the end of the process, has come between */
  private async beginsAgain(leaving: Promise<void>): Promise<boolean> {
    const pass = this.currentPass
    await leaving
    if (this.isStopped || !this.isCurrentPass(pass)) return false
    await this.renew()
    this.leaving = undefined
    return true
  }

  private isWelcome({ params }: ProviderResult<T>): boolean {
    const { responseCache, subscriptionSet } = this
    if (!(responseCache instanceof ResponseCache)) return true
    const feed = responseCache.feed(this.name, params)
    if (this.unasked.has(feed)) return true
    if (subscriptionSet instanceof ExpiringSortedSet && subscriptionSet.has(feed.key)) return true
    if (this.unasked.size >= this.maxUnaskedFeeds) this.forgetQuiet()
    if (this.unasked.size < this.maxUnaskedFeeds) {
      this.unasked.add(feed)
      return true
    }
    this.fault('unknown-feed', () => params)
    return false
  }

  /** Makes room by forgetting the feeds whose value has expired: nothing is kept for them any more. */
  private forgetQuiet(): void {
    const local = localLayerOf(this.responseCache.cache)
    for (const feed of this.unasked)
      if (feed.isForgotten || local?.read(feed.key) === undefined) this.unasked.delete(feed)
  }
}
