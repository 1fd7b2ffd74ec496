import { LabelSet } from '../../metrics/label-set'
import { metrics } from '../../metrics/registry'
import { numberOf } from '../../feeds/feed-metrics'
import { overflowed } from '../../metrics/bounds'

/** Labels of the `cache_data_*` metrics (contract 14). `participant_id` is the cache key. */
export interface CacheMetricsLabels {
  participant_id: string
  feed_id: string
  cache_type: string
}

/** With more keys than this, the key that was recorded longest ago is removed from the metrics. */
const MAX_KEYS = 1_000

/** What authors recorded for one key: plain numbers, published when metrics are scraped. */
interface Recorded {
  feedId: string
  labels: LabelSet
  gets: number
  sets: number
  value: number | undefined
  staleness: number
  totalStaleness: number | undefined
  maxAge: number
  timeDelta: number | undefined
}

/** Belongs to {@link metrics}. Publishing resets the metrics, so the counts must be kept here. */
class CacheRecordedByAuthors {
  private readonly byKey = new Map<string, Recorded>()
  private isPublished = false

  of(label: CacheMetricsLabels): Recorded {
    if (!this.isPublished) this.publish()
    const key = `${label.cache_type} ${label.feed_id} ${label.participant_id}`
    const known = this.byKey.get(key)
    const recorded: Recorded = known ?? {
      feedId: label.feed_id,
      labels: new LabelSet({ ...label }),
      gets: 0,
      sets: 0,
      value: undefined,
      staleness: 0,
      totalStaleness: undefined,
      maxAge: 0,
      timeDelta: undefined,
    }
    this.byKey.delete(key)
    this.byKey.set(key, recorded)
    if (this.byKey.size > MAX_KEYS) {
      this.byKey.delete(this.byKey.keys().next().value!)
      overflowed('metric_series')
    }
    return recorded
  }

  private publish(): void {
    this.isPublished = true
    const all = () => this.byKey.values()
    metrics.publish('cacheDataGetCount', (counter) => {
      for (const { labels, gets } of all()) if (gets > 0) counter.add(labels, gets)
    })
    metrics.publish('cacheDataSetCount', (counter) => {
      for (const { labels, sets } of all()) if (sets > 0) counter.add(labels, sets)
    })
    metrics.publish('cacheDataGetValues', (gauge) => {
      for (const { labels, value } of all()) if (value !== undefined) gauge.put(labels, value)
    })
    metrics.publish('cacheDataMaxAge', (gauge) => {
      for (const { labels, sets, maxAge } of all()) if (sets > 0) gauge.put(labels, maxAge)
    })
    metrics.publish('cacheDataStalenessSeconds', (gauge) => {
      for (const { labels, staleness } of all()) gauge.put(labels, staleness)
    })
    metrics.publish('totalDataStalenessSeconds', (gauge) => {
      for (const { labels, totalStaleness } of all())
        if (totalStaleness !== undefined) gauge.put(labels, totalStaleness)
    })
    metrics.publish('providerTimeDelta', (gauge) => {
      for (const { feedId, timeDelta } of all())
        if (timeDelta) gauge.put(new LabelSet({ feed_id: feedId }), timeDelta)
    })
  }
}

const recordedByAuthors = new CacheRecordedByAuthors()

export const cacheMetricsLabel = (
  cacheKey: string,
  feedId: string,
  cacheType: string,
): CacheMetricsLabels => ({ participant_id: cacheKey, feed_id: feedId, cache_type: cacheType })

/**
 * Counts a request that found its response in the cache, for authors who read the cache themselves. The framework counts its own reads
 * itself.
 *
 * @param value - the response's `result`
 * @param staleness - ages in ms: since the value was received, and by the provider's own time if there is one
 */
export const cacheGet = (
  label: CacheMetricsLabels,
  value: unknown,
  staleness: { cache: number; total: number | null },
): void => {
  const recorded = recordedByAuthors.of(label)
  recorded.gets++
  recorded.value = numberOf(value) ?? recorded.value
  recorded.staleness = staleness.cache
  if (staleness.total) recorded.totalStaleness = staleness.total
}

/**
 * Counts a write to the cache, for authors who write to it themselves; see {@link cacheGet}.
 *
 * @param maxAge - time to live, in ms
 * @param timeDelta - our time minus the provider's own, in ms
 */
export const cacheSet = (label: CacheMetricsLabels, maxAge: number, timeDelta: number | undefined): void => {
  const recorded = recordedByAuthors.of(label)
  recorded.sets++
  recorded.maxAge = maxAge
  recorded.staleness = 0
  if (timeDelta) recorded.timeDelta = timeDelta
}
