import { type Feed } from '../../feeds/feed'
import { ResponseCache } from '../../feeds/response-cache'
import { type ProviderResult } from '../../feeds/responses'
import { type SubscriptionDeltas } from '../../feeds/delta'
import { ExpiringSortedSet } from '../../feeds/expiring-sorted-set'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { CONNECTIONS, OUTAGE, WAKE } from '../capabilities'
import { type Reason } from '../../validation/reason'
import { type ConnectionStatus } from '../../connections/connection-status'
import { StreamIntake } from '../stream-intake'
import { StreamingTransport } from '../streaming-transport'
import { type EndpointContext, type TransportGenerics } from '../transport'
import { localLayerOf } from '../../feeds/local-cache'

/** Feeds that peers may fill without anybody having asked for them. */
const MAX_UNASKED_FEEDS = 1_000

/**
 * A transport to peers that decide by themselves what they send: values come wanted or not, and nothing is subscribed. All of them are
 * written to the response cache (endpoints give their guards `onlyWanted: false`), so that the first request for a feed is answered with
 * what came before it; never past `CACHE_MAX_AGE`. A peer cannot fill the memory with feeds of its own invention.
 */
export abstract class PeerTransport<T extends TransportGenerics> extends StreamingTransport<T> {
  /** When a peer last sent something usable. */
  lastMessageReceivedAt = 0
  /** Feeds that nobody may have asked for beyond this number are refused as `unknown-feed`. */
  protected maxUnaskedFeeds = MAX_UNASKED_FEEDS
  protected readonly intake = new StreamIntake<T>(this)
  private readonly unasked = new Set<Feed>()

  getSubscriptionTtlFromConfig(adapterSettings: T['Settings']): number {
    return adapterSettings.WS_SUBSCRIPTION_TTL
  }

  async streamHandler(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<TypeFromDefinition<T['Parameters']>>,
  ): Promise<void> {
    await this.tend(context, subscriptions)
    await this[WAKE].wait(context.adapterSettings.BACKGROUND_EXECUTE_MS_WS)
  }

  override async shutdown(): Promise<void> {
    await super.shutdown()
    await this.letGo()
    this.intake.stop()
  }

  /** For `/status`. */
  [CONNECTIONS](): ConnectionStatus[] {
    return this.connections()
  }

  get [OUTAGE](): Reason | undefined {
    return this.outage()
  }

  /**
   * Called on every pass, and at once when {@link WAKE} is woken: begin what is to be kept open, once. What it throws makes the loop
   * back off.
   */
  protected abstract tend(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<TypeFromDefinition<T['Parameters']>>,
  ): Promise<void> | void

  /** Ends all connections and timers; resolves when they are gone. */
  protected abstract letGo(): Promise<void>

  protected abstract connections(): ConnectionStatus[]

  /** Why no values can come right now; undefined while they can. */
  protected abstract outage(): Reason | undefined

  /** Writes what a peer sent, through the endpoint's guards. Never throws: what goes wrong is counted. */
  protected deliver(results: ProviderResult<T>[] | undefined, receivedAt: number): void {
    try {
      const known = results?.filter((result) => this.isWelcome(result))
      this.intake.accept(known, receivedAt, 'the handler')
    } catch (error) {
      this.fault('handler-failed', () => 'results that cannot be written', error)
    }
  }

  /**
   * Counts what is not served in `data_refused`, and names it in the log once per minute.
   *
   * @param reason - of a closed set: it is a label
   * @param detail - what to show, called only when a line is due; nothing secret
   */
  protected fault(reason: string, detail: () => unknown, error?: unknown): void {
    this.intake.refuse(reason, detail, error)
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

  /** Makes room: feeds whose value is over hold nothing any more. */
  private forgetQuiet(): void {
    const local = localLayerOf(this.responseCache.cache)
    for (const feed of this.unasked)
      if (feed.isForgotten || local?.read(feed.key) === undefined) this.unasked.delete(feed)
  }
}
