import { calculateFeedId, type KeySettings } from '../../feeds/keys'
import { metrics } from '../../metrics/registry'

interface FeedCounts {
  subscriptionKey: string
  isActive: boolean
  subscribed: number
  sent: number
}

type Data = Record<string, unknown>
interface Context {
  endpointName: string
  adapterSettings: KeySettings
}

type FeedIdOf = (context: Context, params: Data) => string

/** Counts of one WebSocket transport in plain numbers, published when metrics are scraped (contract 14). */
export class SubscriptionStats {
  /** Messages received from the provider. */
  received = 0
  private readonly feeds = new Map<string, FeedCounts>()
  private readonly stops: (() => void)[] = []
  private feedIdOf = calculateFeedId as FeedIdOf

  /** @param feedIdOf - the id of a feed's parameters, where it is known already */
  publish(adapterName: string | undefined, feedIdOf?: FeedIdOf): void {
    if (feedIdOf !== undefined) this.feedIdOf = feedIdOf
    const app = adapterName === undefined ? {} : { app_name: adapterName }
    this.stops.push(
      metrics.publish('wsSubscriptionActive', (gauge) => {
        for (const [feed_id, { subscriptionKey, isActive }] of this.feeds)
          gauge.set({ ...app, feed_id, subscription_key: subscriptionKey }, isActive ? 1 : 0)
      }),
      metrics.publish('wsSubscriptionTotal', (counter) => {
        for (const [feed_id, { subscriptionKey, subscribed }] of this.feeds)
          counter.inc({ ...app, feed_id, subscription_key: subscriptionKey }, subscribed)
      }),
      metrics.publish('wsMessageTotal', (counter) => {
        if (this.received > 0) counter.inc({ ...app, direction: 'received' }, this.received)
        for (const [feed_id, { subscriptionKey, sent }] of this.feeds)
          if (sent > 0)
            counter.inc({ ...app, feed_id, subscription_key: subscriptionKey, direction: 'sent' }, sent)
      }),
    )
  }

  /** @param wasSent - a message went out for each of these feeds */
  subscribed(context: Context, params: readonly Data[], wasSent: boolean): void {
    for (const one of params) {
      const feed = this.countsOf(context, one)
      feed.isActive = true
      feed.subscribed++
      if (wasSent) feed.sent++
    }
  }

  /** Series of feeds that are subscribed no longer leave the metrics. */
  unsubscribed(context: Context, params: readonly Data[]): void {
    for (const one of params) this.feeds.delete(this.feedIdOf(context, one))
  }

  /** A new connection: nothing is subscribed on it yet, and of the others nothing ever will be. */
  keepOnly(context: Context, params: readonly Data[]): void {
    this.disconnected()
    const kept = new Set(params.map((one) => this.feedIdOf(context, one)))
    for (const feedId of this.feeds.keys()) if (!kept.has(feedId)) this.feeds.delete(feedId)
  }

  /** The connection is gone, and with it all its subscriptions. */
  disconnected(): void {
    for (const feed of this.feeds.values()) feed.isActive = false
  }

  stop(): void {
    for (const stop of this.stops.splice(0)) stop()
  }

  private countsOf(context: Context, params: Data): FeedCounts {
    const feedId = this.feedIdOf(context, params)
    let feed = this.feeds.get(feedId)
    if (feed === undefined) {
      feed = { subscriptionKey: `${context.endpointName}-${feedId}`, isActive: false, subscribed: 0, sent: 0 }
      this.feeds.set(feedId, feed)
    }
    return feed
  }
}
