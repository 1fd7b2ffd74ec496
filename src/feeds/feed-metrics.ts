import { metrics } from '../metrics/registry'
import { type Cache } from './cache'
import { type FeedIndex } from './feed-index'
import { localLayerOf } from './local-cache'
import { type AdapterResponse } from './responses'
import { ourTime } from '../util/clock'

/** A feed without requests and writes for this long is removed from the metrics. */
const FORGET_AFTER_MS = 3_600_000

/** The finite number that a value is, or that its text is; undefined where it is none. An empty text is none. */
export const numberOf = (value: unknown): number | undefined => {
  if (typeof value === 'string' && value === '') return undefined
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN
  return Number.isFinite(number) ? number : undefined
}

/**
 * Publishes the plain counters of an endpoint's feeds when metrics are scraped (contract 14), so that no request and no message has to
 * update a metric.
 *
 * @returns a function that removes them again
 */
export const publishFeeds = (
  adapterName: string,
  cache: Cache<AdapterResponse>,
  indexes: () => Iterable<FeedIndex>,
): (() => void) => {
  const feeds = function* () {
    for (const index of indexes()) yield* index.all()
  }
  const labelsOf = (feed: { key: string; feedId: string }) => ({
    app_name: adapterName,
    participant_id: feed.key,
    feed_id: feed.feedId,
    cache_type: cache.type,
  })
  const read = (key: string) => localLayerOf(cache)?.read(key)?.value

  const stops = [
    metrics.publish('httpRequestsTotal', (counter) => {
      for (const feed of feeds()) {
        const labels = { app_name: adapterName, method: 'POST', status_code: 200, feed_id: feed.feedId }
        if (feed.hits > 0) counter.inc({ ...labels, type: 'cacheHit' }, feed.hits)
        if (feed.misses > 0)
          counter.inc({ ...labels, type: 'dataProviderHit', provider_status_code: 200 }, feed.misses)
      }
    }),
    metrics.publish('cacheDataGetCount', (counter) => {
      for (const feed of feeds()) if (feed.gets > 0) counter.inc(labelsOf(feed), feed.gets)
    }),
    metrics.publish('cacheDataGetValues', (gauge) => {
      for (const feed of feeds()) {
        const value = feed.gets > 0 ? numberOf(read(feed.key)?.result) : undefined
        if (value !== undefined) gauge.set(labelsOf(feed), value)
      }
    }),
    metrics.publish('cacheDataSetCount', (counter) => {
      for (const feed of feeds()) if (feed.sets > 0) counter.inc(labelsOf(feed), feed.sets)
    }),
    metrics.publish('cacheDataMaxAge', (gauge) => {
      for (const feed of feeds()) if (feed.sets > 0) gauge.set(labelsOf(feed), feed.ttlMs)
    }),
    metrics.publish('cacheDataStalenessSeconds', (gauge) => {
      // contract 17.17: the name says seconds, but the values are milliseconds; 0 until somebody has read the value
      for (const feed of feeds()) {
        const value = read(feed.key)
        const received = value?.timestamps?.providerDataReceivedUnixMs
        const wasRead = feed.lastHitAt >= feed.lastSetAt && received !== undefined
        const ageMs = wasRead ? Math.max(0, feed.lastHitAt - received) : 0
        // FR-5: the age of a value that is over goes on growing.
        const overMs = value === undefined ? feed.lastAge?.ms : undefined
        // Where another process writes, a value that nobody has read yet was written after the last hit.
        if (feed.sets > 0 || wasRead) gauge.set(labelsOf(feed), overMs ?? ageMs)
      }
    }),
    metrics.publish('totalDataStalenessSeconds', (gauge) => {
      for (const feed of feeds()) {
        const value = read(feed.key)
        const { providerIndicatedTimeUnixMs: indicated, providerDataReceivedUnixMs: received = 0 } =
          value?.timestamps ?? {}
        const wasRead = indicated !== undefined && feed.lastHitAt >= Math.max(feed.lastSetAt, received)
        const ageMs = wasRead ? feed.lastHitAt - indicated : undefined
        const shownMs = value === undefined ? feed.lastAge?.byProviderMs : ageMs
        if (shownMs !== undefined) gauge.set(labelsOf(feed), shownMs)
      }
    }),
    metrics.publish('clockSteps', (gauge) => gauge.set({}, ourTime.steps)),
    metrics.publish('clockOffsetSeconds', (gauge) => gauge.set({}, (ourTime.lastStep?.byMs ?? 0) / 1_000)),
    metrics.publish('providerTimeDelta', (gauge) => {
      for (const index of indexes()) index.forgetUntouchedFor(FORGET_AFTER_MS)
      for (const feed of feeds()) {
        if (feed.providerDeltaMs !== 0)
          gauge.set({ app_name: adapterName, feed_id: feed.feedId }, feed.providerDeltaMs)
      }
    }),
  ]
  return () => stops.forEach((stop) => stop())
}
