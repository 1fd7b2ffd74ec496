import { type AdapterSettings } from '../config/settings'
import { type LabelSet } from '../metrics/label-set'
import { type SeriesCounter, type SeriesGauge } from '../metrics/many-series'
import { metrics, PerScrape } from '../metrics/registry'
import { instant, ourTime } from '../util/clock'
import { type Feed } from './feed'
import {
  type Counts,
  FeedLabels,
  type FeedOwner,
  FeedSurvey,
  isDown,
  type SeenFeed,
  SurveyedFeeds,
} from './feed-survey'

/** The finite number that a value is, or that its text is; undefined where it is none. An empty text is none. */
export const numberOf = (value: unknown): number | undefined => {
  if (typeof value === 'string' && value === '') return undefined
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN
  return Number.isFinite(number) ? number : undefined
}

const valueOf = ({ feed, value }: SeenFeed): number | undefined =>
  feed.gets > 0 ? numberOf(value?.result) : undefined

const maxAgeOf = ({ feed }: SeenFeed): number | undefined => (feed.sets > 0 ? feed.ttlMs : undefined)

/** contract 17.17: the name says seconds, but the values are milliseconds; 0 until somebody has read the value. */
const stalenessOf = (seen: SeenFeed): number | undefined => {
  const { feed, value } = seen
  const received = value?.timestamps?.providerDataReceivedUnixMs
  const wasRead = feed.lastHitAt >= feed.lastSetAt && received !== undefined
  // Where another process writes, a value that nobody has read yet was written after the last hit.
  if (feed.sets === 0 && !wasRead) return undefined
  // FR-5: the age of a value that is over goes on growing, also where errors are written in its place: they are no younger value.
  const overMs = isDown(seen) ? feed.lastAge?.ms : undefined
  return overMs ?? (wasRead ? Math.max(0, feed.lastHitAt - received) : 0)
}

const totalStalenessOf = (seen: SeenFeed): number | undefined => {
  const { feed, value } = seen
  if (value === undefined || isDown(seen)) return feed.lastAge?.byProviderMs
  const { providerIndicatedTimeUnixMs: indicated, providerDataReceivedUnixMs: received = 0 } =
    value.timestamps ?? {}
  const wasRead = indicated !== undefined && feed.lastHitAt >= Math.max(feed.lastSetAt, received)
  return wasRead ? feed.lastHitAt - indicated : undefined
}

const deltaOf = ({ feed }: SeenFeed): number | undefined => feed.providerDeltaMs || undefined

/** Where another process has written the newer value, its own time of receipt counts. */
const ageOf = ({ feed, value }: SeenFeed): number | undefined => {
  const received =
    value?.errorMessage === undefined ? value?.timestamps?.providerDataReceivedUnixMs : undefined
  const { lastSet, lastAge } = feed
  const isOthers = received !== undefined && received > (lastSet?.unixMs ?? -Infinity)
  const ms = isOthers ? Math.max(0, ourTime.now() - received) : lastAge?.ms
  return ms === undefined ? undefined : ms / 1_000
}

const upOf = (seen: SeenFeed): number => (isDown(seen) ? 0 : 1)

type NumberOf = (one: SeenFeed) => number | undefined

/** Finds the number that stands for many. */
const outermost =
  (isMore: (one: number, other: number) => boolean) =>
  (seen: readonly SeenFeed[], of: NumberOf): number | undefined => {
    let found: number | undefined
    for (const one of seen) {
      const value = of(one)
      if (value !== undefined && (found === undefined || isMore(value, found))) found = value
    }
    return found
  }

const largest = outermost((one, other) => one > other)
const smallest = outermost((one, other) => one < other)

/**
 * The series of the feeds of one adapter (contract 14). They are made of the feeds' plain counters when metrics are scraped, so that no
 * request and no message has to update a metric.
 */
class FeedSeries {
  private readonly endpoints = new Set<SurveyedFeeds>()
  private readonly surveys = new PerScrape(() => this.survey())
  private stops: readonly (() => void)[] = []

  constructor(private readonly maxFeeds: () => number) {}

  add(of: FeedOwner): PublishedFeeds {
    const feeds = new SurveyedFeeds(of)
    if (this.endpoints.size === 0) this.stops = this.publish(of)
    this.endpoints.add(feeds)
    return {
      dropped: (feed) => feeds.dropped(feed),
      stop: () => {
        if (!this.endpoints.delete(feeds) || this.endpoints.size > 0) return
        for (const stop of this.stops) stop()
      },
    }
  }

  private survey(): FeedSurvey {
    const max = this.maxFeeds()
    const survey = new FeedSurvey(max)
    const now = instant()
    for (const one of this.endpoints) one.forgetUnused()
    for (const one of this.endpoints) {
      const taken = [...this.endpoints].reduce((sum, { placesTaken }) => sum + placesTaken, 0)
      one.look(survey, max - taken, now)
    }
    return survey
  }

  private publish(of: FeedOwner): (() => void)[] {
    const others = FeedLabels.ofOthers(of)
    return [
      metrics.publish('httpRequestsTotal', (counter) => this.countRequests(counter, others)),
      metrics.publish('cacheDataGetCount', (counter) => this.count(counter, others, 'gets')),
      metrics.publish('cacheDataSetCount', (counter) => this.count(counter, others, 'sets')),
      metrics.publish('cacheDataGetValues', (gauge) => this.show(gauge, 'ofCache', valueOf)),
      metrics.publish('cacheDataMaxAge', (gauge) => this.show(gauge, 'ofCache', maxAgeOf, others)),
      metrics.publish('cacheDataStalenessSeconds', (gauge) =>
        this.show(gauge, 'ofCache', stalenessOf, others),
      ),
      metrics.publish('totalDataStalenessSeconds', (gauge) =>
        this.show(gauge, 'ofCache', totalStalenessOf, others),
      ),
      metrics.publish('feedAgeSeconds', (gauge) => this.show(gauge, 'ofFeed', ageOf, others)),
      metrics.publish('feedUp', (gauge) => this.show(gauge, 'ofFeed', upOf, others, smallest)),
      metrics.publish('providerTimeDelta', (gauge) => this.show(gauge, 'ofId', deltaOf, others)),
      metrics.publish('clockSteps', (gauge) => gauge.set({}, ourTime.steps)),
      metrics.publish('clockOffsetSeconds', (gauge) => gauge.set({}, (ourTime.lastStep?.byMs ?? 0) / 1_000)),
    ]
  }

  private countRequests(counter: SeriesCounter, others: FeedLabels): void {
    const { counted, sharing } = this.surveys.get()
    const countOf = ({ hits, misses }: Counts, { ofHits, ofMisses }: FeedLabels) => {
      if (hits > 0) counter.add(ofHits, hits)
      if (misses > 0) counter.add(ofMisses, misses)
    }
    for (const [feed, labels] of counted) countOf(feed, labels)
    countOf(sharing, others)
  }

  private count(counter: SeriesCounter, others: FeedLabels, what: 'gets' | 'sets'): void {
    const { counted, sharing } = this.surveys.get()
    for (const [feed, { ofCache }] of counted) if (feed[what] > 0) counter.add(ofCache, feed[what])
    if (sharing[what] > 0) counter.add(others.ofCache, sharing[what])
  }

  /**
   * @param others - where the feeds without gauges of their own show one of their values; there is no one price of many feeds
   * @param worst - which one
   */
  private show(
    gauge: SeriesGauge,
    kind: 'ofCache' | 'ofId' | 'ofFeed',
    numberOf: NumberOf,
    others?: FeedLabels,
    worst = largest,
  ): void {
    const { shown, rest } = this.surveys.get()
    const put = (labels: LabelSet, value: number | undefined) => {
      if (value !== undefined) gauge.put(labels, value)
    }
    for (const seen of shown) put(seen.of.labelsOf(seen.feed)[kind], numberOf(seen))
    if (others !== undefined) put(others[kind], worst(rest, numberOf))
  }
}

/** The feeds of an endpoint, as long as they have series. */
export interface PublishedFeeds {
  /** Called for each feed that is forgotten. */
  dropped(feed: Feed): void
  /** Removes their series. */
  stop(): void
}

/** All endpoints of an adapter have the same settings, and share what series there may be. */
const ofAdapters = new WeakMap<AdapterSettings, FeedSeries>()

/** Gives the feeds of an endpoint their series. */
export const publishFeeds = (settings: AdapterSettings, of: FeedOwner): PublishedFeeds => {
  const series = ofAdapters.get(settings) ?? new FeedSeries(() => settings.METRICS_MAX_FEEDS)
  ofAdapters.set(settings, series)
  return series.add(of)
}
