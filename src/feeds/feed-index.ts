import { Feed } from './feed'
import { KeyMark } from './key-mark'
import { canonicalJson } from '../util/canonical-json'
import { calculateAdapterName, feedNames, type KeySettings } from './keys'
import { monotonicMs, Witness } from '../util/clock'

type Data = Record<string, unknown>
type Level = Map<unknown, Level | Feed>

/** More spellings than this (say, of one feed in changing letter case) and the index starts afresh. */
const MAX_SPELLINGS = 100_000

const isIndexable = (value: unknown): boolean => value === null || typeof value !== 'object'

/** What an operator calls a feed, such as `ETH/USD`. Parameters without a value are left out. */
const feedName = (params: Data, names: readonly string[]): string =>
  names
    .map((name) => params[name])
    .filter((value) => value !== undefined && value !== null)
    .map((value) => (typeof value === 'string' ? value : canonicalJson(value)))
    .join('/')

/**
 * From parameters to their {@link Feed}, without building a string: a tree of maps, one level for each declared parameter. A
 * spelling is canonicalised and stringified the first time it is seen, never again. Parameters that are objects or arrays,
 * or that the endpoint does not declare, take the long way each time.
 */
export class FeedIndex {
  private readonly feeds = new Map<string, Feed>()
  private root: Level = new Map()
  private spellings = 0
  private names: string[]
  private declared: Set<string>
  private readonly keyMark: KeyMark
  /** Feeds of one source have one say about our clock. */
  private readonly witness = new Witness()
  /** What the mark was when the feeds got their keys. */
  private mark = 0

  constructor(
    private readonly of: {
      adapterName: string
      endpointName: string
      transportName: string
      settings: KeySettings
      /** Whether letter case makes another feed. */
      caseSensitive?: boolean
      /** Metrics on: feeds carry the `meta` that their responses are stored with. */
      withMeta: boolean
      /** Called for each feed as soon as it is known. */
      onCreated?: ((feed: Feed) => void) | undefined
    },
    private readonly parameterNames: string[],
    private readonly metaTransportName = of.transportName,
  ) {
    // The last first: quotes are fewer than bases, so that few maps are looked into, and those often.
    this.names = [...parameterNames].reverse()
    this.declared = new Set(parameterNames)
    this.keyMark = new KeyMark(of.settings)
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
    // contract 8.2: no keys at all is another feed than keys without values
    if (known === 0) return this.canonicalFeed(params)
    const last = this.names.length - 1
    let level = this.root
    for (let i = 0; i < last; i++) {
      const value = params[this.names[i]!]
      if (!isIndexable(value)) return this.canonicalFeed(params)
      let next = level.get(value) as Level | undefined
      if (next === undefined) level.set(value, (next = new Map()))
      level = next
    }
    const value = params[this.names[last]!]
    if (!isIndexable(value)) return this.canonicalFeed(params)
    const feed = level.get(value) as Feed | undefined
    return feed ?? this.learn(level, value, params)
  }

  get(key: string): Feed | undefined {
    return this.feeds.get(key)
  }

  /** Drops the feeds that nothing has touched for so many ms, as far as the calls of this method have seen. */
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

  private learn(level: Level, value: unknown, params: Data): Feed {
    const feed = this.canonicalFeed(params)
    if (this.spellings >= MAX_SPELLINGS) this.forgetSpellings()
    else {
      level.set(value, feed)
      this.spellings++
    }
    return feed
  }

  private canonicalFeed(data: Data): Feed {
    const { adapterName, endpointName, transportName, settings, caseSensitive } = this.of
    const { key, feedId } = feedNames({
      data,
      adapterName,
      endpointName,
      adapterSettings: settings,
      transportName,
      caseSensitive,
    })
    let feed = this.feeds.get(key)
    if (feed === undefined) {
      feed = this.createFeed(key, feedId, data)
      this.feeds.set(key, feed)
      if (this.feeds.size > MAX_SPELLINGS) this.forgetOldest()
      this.of.onCreated?.(feed)
    }
    return feed
  }

  private createFeed(key: string, feedId: string, data: Data): Feed {
    const meta = this.of.withMeta
      ? {
          adapterName: calculateAdapterName(this.of.adapterName, data),
          transportName: this.metaTransportName,
          metrics: { feedId },
        }
      : undefined
    const name = feedName(data, this.parameterNames)
    return new Feed(key, feedId, this.of.endpointName, meta, this.witness, name)
  }

  private clear(mark: number): void {
    this.mark = mark
    for (const feed of this.feeds.values()) this.drop(feed)
    this.forgetSpellings()
  }

  private drop(feed: Feed): void {
    this.feeds.delete(feed.key)
    feed.isForgotten = true
  }

  private forgetSpellings(): void {
    this.root = new Map()
    this.spellings = 0
  }

  private forgetOldest(): void {
    const oldest = this.feeds.values().next()
    if (!oldest.done) this.drop(oldest.value)
    this.forgetSpellings()
  }
}
