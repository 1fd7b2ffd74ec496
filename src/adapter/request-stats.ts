import { type Counter, type Histogram } from 'prom-client'
import { buildHttpRequestMetricsLabel } from '../metrics/labels'
import { metrics } from '../metrics/registry'
import { overflowed } from '../metrics/bounds'

/** Beyond this number of series, further feeds share one, so that clients cannot fill the memory with names. */
const MAX_SERIES = 10_000

type Labels = Record<string, string | number>

/**
 * Counts the replies of one adapter. Answers from the cache with status 200 are counted on the feed itself; all others are counted here.
 */
export class RequestStats {
  private readonly series = new Map<string, { labels: Labels; count: number }>()
  private readonly duration: Histogram
  private readonly payload: Histogram
  private readonly unpublish: () => void

  /** @param adapterName - undefined where the samples have the default label */
  constructor(adapterName: string | undefined) {
    const app = adapterName === undefined ? {} : { app_name: adapterName }
    this.duration = metrics.get('httpRequestDurationSeconds')
    this.payload = metrics.get('requestPayloadSize')
    this.unpublish = metrics.publish('httpRequestsTotal', (counter: Counter) => {
      for (const { labels, count } of this.series.values()) counter.inc({ ...app, ...labels }, count)
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
    const key = JSON.stringify(labels)
    let series = this.series.get(key)
    if (series === undefined && this.series.size >= MAX_SERIES && feedId !== 'other') {
      overflowed('metric_series')
      return this.count({ ...of, feedId: 'other' })
    }
    if (series === undefined) {
      series = { labels, count: 0 }
      this.series.set(key, series)
    }
    series.count++
  }

  stop(): void {
    this.unpublish()
  }
}

/** contract 14: the label of an unknown provider status is the text `undefined`. */
const withText = (labels: Record<string, string | number | undefined>): Labels =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, value ?? 'undefined']))
