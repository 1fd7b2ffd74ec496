import { calculateFeedId, type KeySettings } from '../../feeds/keys'
import { metrics } from '../../metrics/registry'
import { overflowed } from '../../metrics/bounds'

interface FeedCounts {
  endpointName: string
  isActive: boolean
  subscribed: number
  sent: number
  /** When it was last subscribed while it was not, in Unix ms. */
  sinceUnixMs: number
}

/** The most feeds that are kept after they ended. Beyond this, the one that ended first is removed from the metrics. */
const MAX_ENDED = 10_000

type Data = Record<string, unknown>
interface Context {
  endpointName: string
  adapterSettings: KeySettings
}

/** Made when metrics are scraped: the text would take more memory than all counts of a feed. */
const labelsOf = (endpointName: string, feedId: string) => ({
  feed_id: feedId,
  subscription_key: `${endpointName}-${feedId}`,
})

type FeedIdOf = (context: Context, params: Data) => string

/** The counts of one WebSocket transport as plain numbers, published when metrics are scraped (contract 14). */
export class SubscriptionStats {
  /** Number of messages received from the provider. */
  received = 0
  /** Of these, on the connections before the present one. */
  private receivedBefore = 0
  private readonly feeds = new Map<string, FeedCounts>()
  /** Feeds that are no longer subscribed. Their series stay, with nothing active and their totals (contract 18.5). */
  private readonly ended = new Map<string, FeedCounts>()
  private readonly stops: (() => void)[] = []
  private feedIdOf = calculateFeedId as FeedIdOf

  /** @param feedIdOf - gives the id of a feed's parameters, where it is known already */
  publish(adapterName: string | undefined, feedIdOf?: FeedIdOf): void {
    if (feedIdOf !== undefined) this.feedIdOf = feedIdOf
    const app = adapterName === undefined ? {} : { app_name: adapterName }
    this.stops.push(
      metrics.publish('wsSubscriptionActive', (gauge) => {
        for (const [feed_id, { endpointName, isActive }] of this.all())
          gauge.set({ ...app, ...labelsOf(endpointName, feed_id) }, isActive ? 1 : 0)
      }),
      metrics.publish('wsSubscriptionTotal', (counter) => {
        for (const [feed_id, { endpointName, subscribed }] of this.all())
          counter.inc({ ...app, ...labelsOf(endpointName, feed_id) }, subscribed)
      }),
      metrics.publish('wsMessageTotal', (counter) => {
        if (this.received > 0) counter.inc({ ...app, direction: 'received' }, this.received)
        for (const [feed_id, { endpointName, sent }] of this.all())
          if (sent > 0) counter.inc({ ...app, ...labelsOf(endpointName, feed_id), direction: 'sent' }, sent)
      }),
    )
  }

  /** @param wasSent - a message went out for each of these feeds */
  subscribed(context: Context, params: readonly Data[], wasSent: boolean): void {
    const nowUnixMs = Date.now()
    for (const one of params) {
      const feed = this.countsOf(context, one)
      if (!feed.isActive) feed.sinceUnixMs = nowUnixMs
      feed.isActive = true
      feed.subscribed++
      if (wasSent) feed.sent++
    }
  }

  /** @param wasSent - a message went out for each of these feeds */
  unsubscribed(context: Context, params: readonly Data[], wasSent: boolean): void {
    for (const one of params) {
      const feed = this.countsOf(context, one)
      if (wasSent) feed.sent++
      this.end(this.feedIdOf(context, one), feed)
    }
  }

  /** Called for a new connection: nothing is subscribed on it yet, and feeds that are not in this list have ended. */
  keepOnly(context: Context, params: readonly Data[]): void {
    this.disconnected()
    this.receivedBefore = this.received
    const kept = new Set(params.map((one) => this.feedIdOf(context, one)))
    for (const [feedId, feed] of this.feeds) if (!kept.has(feedId)) this.end(feedId, feed)
  }

  /** Called when the connection has ended, and with it all its subscriptions. */
  disconnected(): void {
    for (const feed of this.feeds.values()) feed.isActive = false
  }

  /** Number of messages received on the present connection. */
  get receivedHere(): number {
    return this.received - this.receivedBefore
  }

  /** Since when a feed is subscribed on the present connection, in Unix ms; undefined where it is not. */
  sinceOf(context: Context, params: Data): number | undefined {
    const feed = this.feeds.get(this.feedIdOf(context, params))
    return feed?.isActive === true ? feed.sinceUnixMs : undefined
  }

  stop(): void {
    for (const stop of this.stops.splice(0)) stop()
  }

  private *all(): Iterable<[string, FeedCounts]> {
    yield* this.feeds
    yield* this.ended
  }

  private end(feedId: string, feed: FeedCounts): void {
    feed.isActive = false
    this.feeds.delete(feedId)
    this.ended.set(feedId, feed)
    if (this.ended.size <= MAX_ENDED) return
    this.ended.delete(this.ended.keys().next().value!)
    overflowed('ended_feed_metrics')
  }

  private countsOf(context: Context, params: Data): FeedCounts {
    const feedId = this.feedIdOf(context, params)
    const known = this.feeds.get(feedId)
    if (known !== undefined) return known
    const { endpointName } = context
    const feed = this.ended.get(feedId) ?? {
      endpointName,
      isActive: false,
      subscribed: 0,
      sent: 0,
      sinceUnixMs: 0,
    }
    this.ended.delete(feedId)
    this.feeds.set(feedId, feed)
    return feed
  }
}
