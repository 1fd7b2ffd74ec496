import { isMeasured } from '../config/server-settings'
import { type AdapterSettings } from '../config/settings'
import { type Cache } from './cache'
import { type ReasonSwitch } from './error-reason'
import { type Feed } from './feed'
import { type FeedRooms } from './feed-rooms'
import { FeedIndex } from './feed-index'
import { type PublishedFeeds, publishFeeds } from './feed-metrics'
import { type Inspector } from './inspector'
import { type FeedLimits } from './limits/feed-limits'
import { LimitedFeeds } from './limits/limited-feeds'
import { type AdapterResponse } from './responses'

/** Whose feeds they are. Everything is read when it is needed, because an author may replace it after the start. */
interface Owner {
  readonly adapterName: string
  readonly endpointName: string
  readonly adapterSettings: AdapterSettings
  readonly inputParameters: { readonly definition: object }
  readonly caseSensitive: boolean
  readonly cache: Cache<AdapterResponse>
  readonly limits: FeedLimits | undefined
  /** Each is called with the key of a feed whose limits have changed. */
  readonly onMoved: ReadonlySet<(key: string) => void>
  readonly reasons: ReasonSwitch
  readonly rooms: FeedRooms
}

/** All feeds of an endpoint, by transport: their indexes, their metrics, and the operator's limits on them. */
export class EndpointFeeds {
  private readonly indexes = new Map<string, FeedIndex>()
  /** The transport that was asked for last: most endpoints have only one. */
  private lastName: string | undefined
  private lastIndex: FeedIndex | undefined
  private published: PublishedFeeds | undefined
  private isStopped = false
  private limited: LimitedFeeds | undefined
  private detach: (() => void) | undefined

  constructor(
    private readonly of: Owner,
    private readonly inspector: Inspector,
  ) {}

  find(transportName: string, params: Record<string, unknown>): Feed {
    if (transportName !== this.lastName) {
      let index = this.indexes.get(transportName)
      if (index === undefined) this.indexes.set(transportName, (index = this.createIndex(transportName)))
      this.lastName = transportName
      this.lastIndex = index
    }
    return this.lastIndex!.find(params)
  }

  /** The feed with this key, if it was asked for or written to. */
  withKey(key: string): Feed | undefined {
    for (const index of this.indexes.values()) {
      const feed = index.get(key)
      if (feed !== undefined) return feed
    }
    return undefined
  }

  /** Removes their series from the metrics, and no longer follows the operator's limits. */
  stop(): void {
    this.isStopped = true
    this.published?.stop()
    this.detach?.()
    for (const index of this.indexes.values()) this.of.rooms.known.remove(index)
  }

  private createIndex(transportName: string): FeedIndex {
    const { adapterName, endpointName, adapterSettings: settings, caseSensitive, cache } = this.of
    // Not before there are feeds: a response cache that wraps another has none, and must not count those of the other one again.
    if (!this.isStopped)
      this.published ??= publishFeeds(settings, { adapterName, cache, indexes: () => this.indexes.values() })
    const limited = this.limitedFeeds()
    return new FeedIndex(
      {
        adapterName,
        endpointName,
        transportName,
        settings,
        caseSensitive,
        withMeta: isMeasured(settings),
        room: this.of.rooms.known,
        onCreated: limited && ((feed) => limited.created(feed)),
        onDropped: (feed) => this.published?.dropped(feed),
      },
      Object.keys(this.of.inputParameters.definition),
    )
  }

  /** Undefined where there are no limits. Made with the first feed. */
  private limitedFeeds(): LimitedFeeds | undefined {
    const { inspector, indexes } = this
    const { limits, cache, onMoved: listeners, reasons } = this.of
    if (limits === undefined || this.limited !== undefined) return this.limited
    const feeds = () => [...indexes.values()].flatMap((index) => [...index.all()])
    const onMoved = (key: string) => listeners.forEach((forget) => forget(key))
    this.limited = new LimitedFeeds({ limits, inspector, cache, feeds, onMoved, reasons })
    this.detach = limits.attach(this.limited)
    return this.limited
  }
}
