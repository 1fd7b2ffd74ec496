import { calculateFeedId, type KeySettings } from '../../feeds/keys'
import { LabelSet } from '../../metrics/label-set'
import { metrics, PerScrape } from '../../metrics/registry'
import { overflowed } from '../../metrics/bounds'

interface FeedCounts {
  endpointName: string
  /** Whether it has series of its own; the first feeds have, and keep them. All others share those of the feed `other` (OB-1). */
  hasSeries: boolean
  isActive: boolean
  subscribed: number
  sent: number
  /** When it was last subscribed while it was not, in Unix ms. */
  sinceUnixMs: number
  /** Made at the first scrape. */
  labels: FeedLabels | undefined
}

interface FeedLabels {
  labels: LabelSet
  sentLabels: LabelSet
}

/** The most feeds that are kept after they ended. Beyond this, or where a new one needs its series, the one that ended first is removed. */
const MAX_ENDED = 10_000

type Data = Record<string, unknown>
interface Context {
  endpointName: string
  adapterSettings: KeySettings
}

/** What the feeds of an endpoint counted that share series, also those of them that are forgotten: a counter must not fall. */
interface Shared {
  active: number
  subscribed: number
  sent: number
}

const labelsOf = (app: object, endpointName: string, feedId: string): FeedLabels => {
  const values = { ...app, feed_id: feedId, subscription_key: `${endpointName}-${feedId}` }
  return { labels: new LabelSet(values), sentLabels: new LabelSet({ ...values, direction: 'sent' }) }
}

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
  /** By endpoint. */
  private readonly gone = new Map<string, Shared>()
  private readonly stops: (() => void)[] = []
  private feedIdOf = calculateFeedId as FeedIdOf
  private maxFeeds = Infinity
  private withSeries = 0

  /**
   * @param maxFeeds - how many feeds have series of their own
   * @param feedIdOf - gives the id of a feed's parameters, where it is known already
   */
  publish(adapterName: string | undefined, maxFeeds: number, feedIdOf?: FeedIdOf): void {
    if (feedIdOf !== undefined) this.feedIdOf = feedIdOf
    this.maxFeeds = maxFeeds
    const app = adapterName === undefined ? {} : { app_name: adapterName }
    const series = new PerScrape(() => this.series(app))
    this.stops.push(
      metrics.publish('wsSubscriptionActive', (gauge) => {
        for (const { labels, active } of series.get()) gauge.add(labels, active)
      }),
      metrics.publish('wsSubscriptionTotal', (counter) => {
        for (const { labels, subscribed } of series.get()) counter.add(labels, subscribed)
      }),
      metrics.publish('wsMessageTotal', (counter) => {
        if (this.received > 0) counter.inc({ ...app, direction: 'received' }, this.received)
        for (const { sentLabels, sent } of series.get()) if (sent > 0) counter.add(sentLabels, sent)
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

  private series(app: object): (Shared & FeedLabels)[] {
    const all: (Shared & FeedLabels)[] = []
    const shared = new Map([...this.gone].map(([endpointName, counts]) => [endpointName, { ...counts }]))
    for (const feeds of [this.feeds, this.ended])
      for (const [feedId, feed] of feeds) {
        const { endpointName, isActive, subscribed, sent } = feed
        const active = isActive ? 1 : 0
        if (feed.hasSeries) {
          const { labels, sentLabels } = (feed.labels ??= labelsOf(app, endpointName, feedId))
          all.push({ labels, sentLabels, active, subscribed, sent })
        } else share(shared, endpointName, active, feed)
      }
    for (const [endpointName, counts] of shared)
      all.push({ ...labelsOf(app, endpointName, 'other'), ...counts })
    return all
  }

  private end(feedId: string, feed: FeedCounts): void {
    feed.isActive = false
    this.feeds.delete(feedId)
    if (!feed.hasSeries) return share(this.gone, feed.endpointName, 0, feed)
    this.ended.set(feedId, feed)
    if (this.ended.size > MAX_ENDED) this.forgetEnded()
  }

  /** @returns whether there was one */
  private forgetEnded(): boolean {
    const [first] = this.ended.keys()
    if (first === undefined) return false
    this.ended.delete(first)
    this.withSeries--
    overflowed('ended_feed_metrics')
    return true
  }

  private countsOf(context: Context, params: Data): FeedCounts {
    const feedId = this.feedIdOf(context, params)
    const known = this.feeds.get(feedId)
    if (known !== undefined) return known
    const feed = this.ended.get(feedId) ?? this.newFeed(context)
    this.ended.delete(feedId)
    this.feeds.set(feedId, feed)
    return feed
  }

  private newFeed({ endpointName }: Context): FeedCounts {
    const hasSeries = this.withSeries < this.maxFeeds || this.forgetEnded()
    if (hasSeries) this.withSeries++
    else overflowed('metric_series')
    const counts = { isActive: false, subscribed: 0, sent: 0, sinceUnixMs: 0 }
    return { endpointName, hasSeries, ...counts, labels: undefined }
  }
}

const share = (
  all: Map<string, Shared>,
  endpointName: string,
  active: number,
  { subscribed, sent }: { subscribed: number; sent: number },
): void => {
  let sum = all.get(endpointName)
  if (sum === undefined) all.set(endpointName, (sum = { active: 0, subscribed: 0, sent: 0 }))
  sum.active += active
  sum.subscribed += subscribed
  sum.sent += sent
}
