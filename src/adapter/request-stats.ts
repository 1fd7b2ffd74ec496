import { type Observations } from '../metrics/fast-histogram'
import { LabelSet } from '../metrics/label-set'
import { buildHttpRequestMetricsLabel, statusLabel } from '../metrics/labels'
import { metrics } from '../metrics/registry'
import { overflowed } from '../metrics/bounds'

type Labels = ReturnType<typeof buildHttpRequestMetricsLabel>

/** So many series the feed `other` may have; beyond that, what comes of further status codes is of the class `other` too. */
const MAX_SHARED = 1_000

/**
 * Counts the replies of one adapter. Answers from the cache with status 200 are counted on the feed itself; all others are counted here.
 */
export class RequestStats {
  private readonly series = new Map<string, { labels: LabelSet; count: number }>()
  private readonly duration: Observations
  private readonly payload: Observations
  private readonly unpublish: () => void

  private readonly app: { app_name?: string }

  /**
   * @param adapterName - undefined where the samples have the default label
   * @param maxFeeds - with more series than this, further feeds share some, so that clients cannot fill the memory with names
   */
  constructor(
    adapterName: string | undefined,
    private readonly maxFeeds: () => number,
  ) {
    this.app = adapterName === undefined ? {} : { app_name: adapterName }
    this.duration = metrics.get('httpRequestDurationSeconds').of(adapterName)
    this.payload = metrics.get('requestPayloadSize').of(adapterName)
    this.unpublish = metrics.publish('httpRequestsTotal', (counter) => {
      for (const { labels, count } of this.series.values()) counter.add(labels, count)
    })
  }

  /** @param payloadBytes - absent when there was no body */
  observe(startedAtMs: number, payloadBytes?: number): void {
    this.duration.observe((performance.now() - startedAtMs) / 1000)
    if (payloadBytes !== undefined) this.payload.observe(payloadBytes)
  }

  /** Counts one reply that is not a good value from the cache. */
  count(of: { feedId: string; error?: Error; isCacheHit: boolean; statusCode: number }): void {
    const { feedId, error, isCacheHit, statusCode } = of
    const labels = withText(buildHttpRequestMetricsLabel(feedId, error, isCacheHit, statusCode))
    const series = this.seriesOf(labels, this.maxFeeds()) ?? this.sharedSeries(labels)
    series.count++
  }

  stop(): void {
    this.unpublish()
  }

  private sharedSeries(labels: Labels) {
    overflowed('metric_series')
    const shared = { ...labels, feed_id: 'other' }
    const codes = {
      status_code: 'other',
      ...('provider_status_code' in labels && { provider_status_code: 'other' }),
    }
    return (
      this.seriesOf(shared, this.maxFeeds() + MAX_SHARED) ?? this.seriesOf({ ...shared, ...codes }, Infinity)!
    )
  }

  /** Undefined where there would be too many. */
  private seriesOf(labels: Labels, most: number) {
    const key = JSON.stringify(labels)
    const known = this.series.get(key)
    if (known !== undefined || this.series.size >= most) return known
    const series = { labels: new LabelSet({ ...this.app, ...labels }), count: 0 }
    this.series.set(key, series)
    return series
  }
}

/** contract 14: the label of an unknown provider status is the text `undefined`. */
const withText = (labels: Labels): Labels => ({
  ...labels,
  status_code: statusLabel(labels.status_code),
  ...('provider_status_code' in labels && { provider_status_code: statusLabel(labels.provider_status_code) }),
})
