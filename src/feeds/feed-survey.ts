import { overflowed } from '../metrics/bounds'
import { LabelSet } from '../metrics/label-set'
import { type Instant } from '../util/clock'
import { type Cache } from './cache'
import { type Feed } from './feed'
import { type FeedIndex } from './feed-index'
import { localLayerOf } from './local-cache'
import { type AdapterResponse } from './responses'

/** A feed without requests and writes for this long is removed from the metrics. */
const FORGET_AFTER_MS = 3_600_000

/** OB-1: what all feeds have as their id that have no series of their own. */
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

/** A feed at the time of a scrape. */
export class SeenFeed {
  private made: LabelSet | undefined

  constructor(
    readonly feed: Feed,
    private readonly of: FeedOwner,
    /** What is served for it; undefined where nothing is. */
    readonly value: Readonly<AdapterResponse> | undefined,
  ) {}

  get isDown(): boolean {
    return this.value === undefined || this.value.errorMessage !== undefined
  }

  get labels(): LabelSet {
    return (this.made ??= cacheLabels(this.of, this.feed.feedId, this.feed.key))
  }
}

const cacheLabels = ({ adapterName: app_name, cache }: FeedOwner, feed_id: string, participant_id: string) =>
  new LabelSet({ app_name, participant_id, feed_id, cache_type: cache.type })

/** The feeds of one endpoint, and how many of them have counters of their own. */
export class SurveyedFeeds {
  private placed = 0
  /** Of feeds that had none, and have been forgotten since: a counter must not fall. */
  private readonly gone = noCounts()

  constructor(readonly of: FeedOwner) {}

  get placesTaken(): number {
    return this.placed
  }

  /** A feed has been forgotten. */
  dropped(feed: Feed): void {
    if (feed.hasCounters === true) this.placed--
    if (feed.hasCounters === false) addTo(this.gone, feed)
  }

  /** @param places - how many further feeds may have counters of their own */
  look(into: FeedSurvey, places: number, now: Instant): void {
    const local = localLayerOf(this.of.cache)
    let without = 0
    addTo(into.sharing, this.gone)
    for (const index of this.of.indexes()) {
      index.forgetUntouchedFor(FORGET_AFTER_MS)
      for (const feed of index.all()) {
        if (!isUsed(feed)) continue
        if (feed.hasCounters === undefined) {
          feed.hasCounters = places-- > 0
          if (feed.hasCounters) this.placed++
          else without++
        }
        const seen = new SeenFeed(feed, this.of, local?.read(feed.key, feed, now)?.value)
        into.seen.push(seen)
        if (feed.hasCounters) into.counted.push(seen)
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
  readonly counted: SeenFeed[] = []
  /** What all those counted together that have no counters of their own. */
  readonly sharing = noCounts()
  private chosen: { shown: SeenFeed[]; rest: SeenFeed[] } | undefined

  constructor(private readonly max: number) {}

  /** Those with gauges of their own. */
  get shown(): readonly SeenFeed[] {
    return this.choose().shown
  }

  /** Those without. */
  get rest(): readonly SeenFeed[] {
    return this.choose().rest
  }

  /** The labels of the rest. */
  static restOf(of: FeedOwner): LabelSet {
    return cacheLabels(of, OTHER, OTHER)
  }

  private choose() {
    if (this.chosen !== undefined) return this.chosen
    const { seen, max } = this
    if (seen.length <= max) return (this.chosen = { shown: seen, rest: [] })
    const down = seen.filter(({ isDown }) => isDown)
    // Of too many, those that went down last: those before them may be down because nobody asks for them any more.
    if (down.length > max) down.sort((a, b) => b.feed.lastSetAt - a.feed.lastSetAt)
    const up = seen.filter(({ isDown }) => !isDown)
    const [first, later] = [true, false].map((has) => up.filter(({ feed }) => feed.hasCounters === has))
    const inOrder = [...down, ...first!, ...later!]
    return (this.chosen = { shown: inOrder.slice(0, max), rest: inOrder.slice(max) })
  }
}
