import { calculateFeedId, type KeyContext, type KeyGenerics } from '../../feeds/keys'
import { LabelSet } from '../../metrics/label-set'
import { metrics } from '../../metrics/registry'
import { overflowed } from '../../metrics/bounds'

export type MessageDirection = 'sent' | 'received'

type Labels = { feed_id: string; subscription_key: string }

/** With more feeds than this, the feed that was recorded longest ago is removed from the metrics. */
const MAX_FEEDS = 1_000

export const connectionErrorLabels = (message: string): { message: string } => ({ message })

/** Labels of one feed in the `ws_*` metrics (contract 14). */
export const messageSubsLabels = <T extends KeyGenerics = KeyGenerics>(
  context: KeyContext<T['Settings']>,
  params: object,
): Labels => {
  const feed_id = calculateFeedId(context, params)
  return { feed_id, subscription_key: `${context.endpointName}-${feed_id}` }
}

interface Recorded {
  labels: LabelSet
  sentLabels: LabelSet
  sent: number
  subscribed: number
  active: number
}

/** Belongs to {@link metrics}. Publishing resets the metrics, so the counts must be kept here. */
class ConnectionsRecordedByAuthors {
  private readonly byKey = new Map<string, Recorded>()
  private isPublished = false

  of(context: KeyContext, params: object): Recorded {
    if (!this.isPublished) this.publish()
    const labels = messageSubsLabels(context, params)
    const key = labels.subscription_key
    const recorded = this.byKey.get(key) ?? this.newOne(labels)
    this.byKey.delete(key)
    this.byKey.set(key, recorded)
    if (this.byKey.size > MAX_FEEDS) {
      this.byKey.delete(this.byKey.keys().next().value!)
      overflowed('metric_series')
    }
    return recorded
  }

  private newOne(labels: Labels): Recorded {
    const sentLabels = new LabelSet({ ...labels, direction: 'sent' })
    return { labels: new LabelSet(labels), sentLabels, sent: 0, subscribed: 0, active: 0 }
  }

  private publish(): void {
    this.isPublished = true
    metrics.publish('wsMessageTotal', (counter) => {
      for (const { sentLabels, sent } of this.byKey.values()) if (sent > 0) counter.add(sentLabels, sent)
    })
    metrics.publish('wsSubscriptionTotal', (counter) => {
      for (const { labels, subscribed } of this.byKey.values())
        if (subscribed > 0) counter.add(labels, subscribed)
    })
    metrics.publish('wsSubscriptionActive', (gauge) => {
      for (const { labels, subscribed, active } of this.byKey.values())
        if (subscribed > 0 || active !== 0) gauge.add(labels, active)
    })
  }
}

const recordedByAuthors = new ConnectionsRecordedByAuthors()

/** Counts one sent message for each of these feeds. */
export const recordWsMessageSentMetrics = <T extends KeyGenerics = KeyGenerics>(
  context: KeyContext<T['Settings']>,
  subscribes: object[],
  unsubscribes: object[],
): void => {
  for (const params of [...subscribes, ...unsubscribes]) recordedByAuthors.of(context, params).sent += 1
}

/** Counts the feeds that were subscribed and unsubscribed. */
export const recordWsMessageSubMetrics = <T extends KeyGenerics = KeyGenerics>(
  context: KeyContext<T['Settings']>,
  subscribes: object[],
  unsubscribes: object[],
): void => {
  for (const params of subscribes) {
    const recorded = recordedByAuthors.of(context, params)
    recorded.subscribed += 1
    recorded.active += 1
  }
  for (const params of unsubscribes) recordedByAuthors.of(context, params).active -= 1
}
