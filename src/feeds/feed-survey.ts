import { overflowed } from '../metrics/bounds'
import { LabelSet } from '../metrics/label-set'
import { buildHttpRequestMetricsLabel } from '../metrics/labels'
import { type Instant } from '../util/clock'
import { type Cache } from './cache'
import { type Feed } from './feed'
import { type FeedIndex } from './feed-index'
import { localLayerOf } from './local-cache'
import { type AdapterResponse } from './responses'

/** A feed without requests and writes for this long is removed from the metrics. */
const FORGET_AFTER_MS = 3_600_000

const OTHER = 'other'

/** Whose feeds they are. */
export interface FeedOwner {
  adapterName: string
  cache: Cache<AdapterResponse>
  indexes: () => Iterable<FeedIndex>
}

export type Counts = Pick<Feed, 'gets' | 'hits' | 'misses' | 'sets'>

const addTo = (sum: Counts, { gets, hits, misses, sets }: Counts): void => {
  sum.gets += gets
  sum.hits += hits
  sum.misses += misses
  sum.sets += sets
}

const noCounts = (): Counts => ({ gets: 0, hits: 0, misses: 0, sets: 0 })

const isUsed = ({ gets, misses, sets }: Feed): boolean => gets + misses + sets > 0

type NamedFeed = Pick<Feed, 'feedId' | 'key' | 'endpointName'>

/** The labels of a feed in all metrics that have them. They are kept while the feed is shown: to write them is most of a scrape. */
export class FeedLabels {
  readonly ofCache: LabelSet
  readonly ofHits: LabelSet
  readonly ofMisses: LabelSet
  readonly ofId: LabelSet
  readonly ofFeed: LabelSet

  constructor(
    { adapterName: app_name, cache }: FeedOwner,
    { feedId: feed_id, key: participant_id, endpointName: adapter_endpoint }: NamedFeed,
  ) {
    this.ofCache = new LabelSet({ app_name, participant_id, feed_id, cache_type: cache.type })
    this.ofHits = new LabelSet({ app_name, ...buildHttpRequestMetricsLabel(feed_id, undefined, true) })
    this.ofMisses = new LabelSet({ app_name, ...buildHttpRequestMetricsLabel(feed_id, undefined, false) })
    this.ofId = new LabelSet({ app_name, feed_id })
    this.ofFeed = new LabelSet({ app_name, adapter_endpoint, feed_id, participant_id })
  }

  /** OB-1: those of all feeds that have no series of their own. */
  static ofOthers(of: FeedOwner): FeedLabels {
    return new FeedLabels(of, { feedId: OTHER, key: OTHER, endpointName: OTHER })
  }
}

/** A feed at the time of a scrape. */
export interface SeenFeed {
  feed: Feed
  of: SurveyedFeeds
  /** What is served for it; undefined where nothing is. */
  value: Readonly<AdapterResponse> | undefined
}

/** Whether nothing good is served for it. */
export const isDown = ({ value }: SeenFeed): boolean =>
  value === undefined || value.errorMessage !== undefined

/** The feeds of one endpoint, and how many of them have counters of their own. */
export class SurveyedFeeds {
  private placed = 0
  /** Of feeds that had none, and have been forgotten since: a counter must not fall. */
  private readonly gone = noCounts()
  private readonly labels = new WeakMap<Feed, FeedLabels>()

  constructor(readonly of: FeedOwner) {}

  get placesTaken(): number {
    return this.placed
  }

  /** A feed has been forgotten. */
  dropped(feed: Feed): void {
    this.labels.delete(feed)
    if (feed.hasCounters === true) this.placed--
    if (feed.hasCounters === false) addTo(this.gone, feed)
  }

  labelsOf(feed: Feed): FeedLabels {
    let labels = this.labels.get(feed)
    if (labels === undefined) this.labels.set(feed, (labels = new FeedLabels(this.of, feed)))
    return labels
  }

  /** Lets go of the labels of a feed that has no series of its own. */
  hide(feed: Feed): void {
    if (feed.hasCounters !== true) this.labels.delete(feed)
  }

  forgetUnused(): void {
    for (const index of this.of.indexes()) index.forgetUntouchedFor(FORGET_AFTER_MS)
  }

  /** @param places - how many further feeds may have counters of their own */
  look(into: FeedSurvey, places: number, now: Instant): void {
    const local = localLayerOf(this.of.cache)
    let without = 0
    addTo(into.sharing, this.gone)
    for (const index of this.of.indexes()) {
      for (const feed of index.all()) {
        if (!isUsed(feed)) continue
        if (feed.hasCounters === undefined) {
          feed.hasCounters = places-- > 0
          if (feed.hasCounters) this.placed++
          else without++
        }
        into.seen.push({ feed, of: this, value: local?.read(feed.key, feed, now)?.value })
        if (feed.hasCounters) into.counted.push([feed, this.labelsOf(feed)])
        else addTo(into.sharing, feed)
      }
    }
    if (without > 0) overflowed('metric_series', without)
  }
}

/**
 * All feeds of an adapter at the time of a scrape, and which of them have series of their own.
 *
 * Counters stay with the feeds that came first: one that went to and fro between a feed and the rest would fall, which reads as a restart.
 * Gauges are of those first that are down, whenever they came.
 */
export class FeedSurvey {
  readonly seen: SeenFeed[] = []
  /** Those with counters of their own. */
  readonly counted: [Feed, FeedLabels][] = []
  /** What all those counted together that have no counters of their own. */
  readonly sharing = noCounts()
  private chosen: { shown: SeenFeed[]; rest: SeenFeed[] } | undefined

  constructor(private readonly max: number) {}

  /** Those with gauges of their own. */
  get shown(): readonly SeenFeed[] {
    return (this.chosen ??= this.choose()).shown
  }

  /** Those without. */
  get rest(): readonly SeenFeed[] {
    return (this.chosen ??= this.choose()).rest
  }

  private choose() {
    const { seen, max } = this
    if (seen.length <= max) return { shown: seen, rest: [] }
    const down = seen.filter(isDown)
    // Of too many, those that went down last: those before them may be down because nobody asks for them any more.
    if (down.length > max) down.sort((a, b) => b.feed.lastSetAt - a.feed.lastSetAt)
    const up = seen.filter((one) => !isDown(one))
    const [first, later] = [true, false].map((has) => up.filter(({ feed }) => feed.hasCounters === has))
    const inOrder = [...down, ...first!, ...later!]
    const rest = inOrder.slice(max)
    for (const { feed, of } of rest) of.hide(feed)
    return { shown: inOrder.slice(0, max), rest }
  }
}
