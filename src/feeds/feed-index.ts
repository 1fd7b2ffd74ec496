import { Feed } from './feed'
import { type Knowing, type KnownRoom } from './feed-rooms'
import { KeyMark } from './key-mark'
import { canonicalJson } from '../util/canonical-json'
import { redactText } from '../util/redaction'
import { weightOf } from './weight'
import { calculateAdapterName, feedNames, keyPrefix, type KeySettings } from './keys'
import { monotonicMs } from '../util/clock'
import { Witness } from '../util/our-time'
import { overflowed } from '../metrics/bounds'

type Data = Record<string, unknown>
type Level = Map<unknown, Level | Feed>

/** At this number of spellings (for example one feed in ever new letter case) all of them are forgotten, and learned again. */
const MAX_SPELLINGS = 100_000
/** So do they where they take this part of the room for feeds. */
const SPELLINGS_PART = 4
/** Feeds that are larger are found by their keys alone, in bytes: their spellings would take as much again. */
const MAX_SPELLED_BYTES = 4_096
/** Of a feed without its texts, in bytes. */
const BYTES_PER_FEED = 600

const isIndexable = (value: unknown): boolean => value === null || typeof value !== 'object'

/** The name that an operator uses for a feed, such as `ETH/USD`. Parameters without a value are left out. */
const feedName = (params: Data, names: readonly string[]): string =>
  names
    .map((name) => params[name])
    .filter((value) => value !== undefined && value !== null)
    .map((value) => (typeof value === 'string' ? value : canonicalJson(value)))
    .join('/')

/**
 * Finds the {@link Feed} of parameters without building a string: it is a tree of maps with one level for each declared parameter. Only the
 * first time that a spelling is seen it is made canonical and written as text. Where a parameter is an object or an array, or is not
 * declared by the endpoint, that is done each time.
 */
export class FeedIndex implements Knowing {
  private weight = 0
  private readonly feeds = new Map<string, Feed>()
  private root: Level = new Map()
  private spellings = 0
  private spelledBytes = 0
  private names: string[]
  private declared: Set<string>
  private readonly keyMark: KeyMark
  /** All feeds of one source count as one witness of our clock. */
  private readonly witness = new Witness()
  /** The mark of the settings that the keys of the feeds were made with. */
  private mark = 0
  private prefix: string

  constructor(
    private readonly of: {
      adapterName: string
      endpointName: string
      transportName: string
      settings: KeySettings
      /** Whether params that differ only in letter case are different feeds. */
      caseSensitive?: boolean
      /** Whether metrics are on: then each feed has the `meta` that its responses are stored with. */
      withMeta: boolean
      /** How much may be known; without a limit where it is absent. */
      room?: KnownRoom
      /** Called for each new feed. */
      onCreated?: ((feed: Feed) => void) | undefined
      /** Called for each feed that is forgotten. */
      onDropped?: ((feed: Feed) => void) | undefined
    },
    private readonly parameterNames: string[],
    private readonly metaTransportName = of.transportName,
  ) {
    // The last parameter first: there are fewer quotes than bases, so the same few maps are used again and again.
    this.names = [...parameterNames].reverse()
    this.declared = new Set(parameterNames)
    this.keyMark = new KeyMark(of.settings)
    this.prefix = keyPrefix({ ...of, adapterSettings: of.settings })
  }

  get size(): number {
    return this.feeds.size
  }

  all(): IterableIterator<Feed> {
    return this.feeds.values()
  }

  find(params: Data): Feed {
    const mark = this.keyMark.of(this.of.settings)
    if (mark !== this.mark) this.clear(mark)
    let known = 0
    for (const name in params) {
      if (!this.declared.has(name) && params[name] !== undefined) return this.canonicalFeed(params)
      known++
    }
    // contract 8.2: params without any keys are another feed than params whose keys have no values
    if (known === 0) return this.canonicalFeed(params)
    const last = this.names.length - 1
    let level: Level | undefined = this.root
    for (let i = 0; i < last; i++) {
      const value = params[this.names[i]!]
      if (!isIndexable(value)) return this.canonicalFeed(params)
      level = level?.get(value) as Level | undefined
    }
    const value = params[this.names[last]!]
    if (!isIndexable(value)) return this.canonicalFeed(params)
    const feed = level?.get(value) as Feed | undefined
    return feed ?? this.learn(value, params)
  }

  get(key: string): Feed | undefined {
    return this.feeds.get(key)
  }

  /** Removes the feeds that were not used for so many ms. Use is seen only at the calls of this method. */
  forgetUntouchedFor(ms: number): void {
    let forgot = false
    const now = monotonicMs()
    for (const feed of this.feeds.values()) {
      if (!feed.isUntouchedFor(ms, now)) continue
      this.drop(feed)
      forgot = true
    }
    if (forgot) this.forgetSpellings()
  }

  /** Drops the feeds that were not used since the last time, from the oldest on, and the others if that is not enough. */
  forgetUnused(bytes: number): void {
    const enough = this.weight - bytes
    for (const feed of this.feeds.values()) {
      // The newest is being asked for.
      if (this.weight <= enough || this.feeds.size === 1) break
      this.feeds.delete(feed.key)
      if (feed.wasUsed()) this.feeds.set(feed.key, feed)
      else this.drop(feed)
    }
    this.forgetSpellings()
  }

  private learn(value: unknown, params: Data): Feed {
    const feed = this.canonicalFeed(params)
    if (feed.weight > MAX_SPELLED_BYTES) return feed
    const { room } = this.of
    if (
      this.spellings >= MAX_SPELLINGS ||
      this.spelledBytes * SPELLINGS_PART > (room?.capacityBytes ?? Infinity)
    ) {
      this.forgetSpellings()
      overflowed('known_spellings')
      return feed
    }
    let level = this.root
    for (const name of this.names.slice(0, -1)) {
      let next = level.get(params[name]) as Level | undefined
      if (next === undefined) level.set(params[name], (next = new Map()))
      level = next
    }
    level.set(value, feed)
    this.spellings++
    this.spelledBytes += feed.weight
    return feed
  }

  private canonicalFeed(data: Data): Feed {
    const { settings: adapterSettings, caseSensitive } = this.of
    const { key, feedId } = feedNames({ data, adapterSettings, caseSensitive }, this.prefix)
    let feed = this.feeds.get(key)
    if (feed === undefined) {
      feed = this.createFeed(key, feedId, data)
      this.keep(feed)
      this.of.onCreated?.(feed)
    }
    return feed
  }

  private keep(feed: Feed): void {
    this.feeds.set(feed.key, feed)
    this.weight += feed.weight
    this.of.room?.add(this, feed.weight)
    if (this.feeds.size <= MAX_SPELLINGS) return
    this.forgetUnused(this.weight / 8)
    overflowed('known_feeds')
  }

  private createFeed(key: string, id: string, data: Data): Feed {
    // It becomes a label, and a part of answers. Clients may write what they like, also what is a secret.
    const feedId = redactText(id)
    const meta = this.of.withMeta
      ? {
          adapterName: calculateAdapterName(this.of.adapterName, data),
          transportName: this.metaTransportName,
          metrics: { feedId },
        }
      : undefined
    const name = feedName(data, this.parameterNames)
    const feed = new Feed(key, feedId, this.of.endpointName, meta, this.witness, name)
    feed.weight = BYTES_PER_FEED + weightOf(data) + weightOf(key) + weightOf(name)
    return feed
  }

  private clear(mark: number): void {
    this.mark = mark
    this.prefix = keyPrefix({ ...this.of, adapterSettings: this.of.settings })
    for (const feed of this.feeds.values()) this.drop(feed)
    this.forgetSpellings()
  }

  private drop(feed: Feed): void {
    this.feeds.delete(feed.key)
    this.weight -= feed.weight
    this.of.room?.add(this, -feed.weight)
    feed.isForgotten = true
    this.of.onDropped?.(feed)
  }

  private forgetSpellings(): void {
    this.root = new Map()
    this.spellings = 0
    this.spelledBytes = 0
  }
}
