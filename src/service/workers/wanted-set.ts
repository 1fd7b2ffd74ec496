import { ExpiringSortedSet, type Item } from '../../feeds/expiring-sorted-set'
import { SubscriptionSetFactory } from '../../adapter/subscription-set-factory'
import { type WantedRoom } from '../../feeds/feed-rooms'
import { type SubscriptionSet } from '../../feeds/subscription-set'
import { type WantedFeed } from './messages'
import { monotonicMs } from '../../util/clock'

/** Tells the writer which feeds a worker's clients ask for. */
export interface Announcer {
  /** Tells the writer. Does nothing while there is no connection to it. */
  announce(feed: WantedFeed): void
  /** Adds a set whose members are told to the writer on every new connection. */
  follow(set: WantedSet<unknown>): void
}

interface Told {
  feed: WantedFeed
  /** When to tell it again, by the monotonic clock. */
  dueAt: number
}

/**
 * The subscription set of a transport in a worker. The transport does not run here, so the set tells the writer what is wanted: at once
 * when a feed is new, and while it is asked for again after each third of its TTL. Most requests therefore only write to a field.
 */
export class WantedSet<T> extends ExpiringSortedSet<T> {
  private readonly told = new Map<string, Told>()

  constructor(
    capacity: number,
    private readonly name: { adapter: string; endpoint: string; transport: string },
    private readonly announcer: Announcer,
    room?: WantedRoom,
  ) {
    super(capacity, room)
    announcer.follow(this)
  }

  override add(value: T, ttl: number, key: string): void {
    if (!this.has(key)) this.expire()
    super.add(value, ttl, key)
    const told = this.told.get(key)
    if (told !== undefined && told.feed.ttlMs === ttl) return this.tellIfDue(told)
    const feed = { ...this.name, key, ttlMs: ttl, params: value as WantedFeed['params'] }
    const fresh = { feed, dueAt: 0 }
    this.told.set(key, fresh)
    this.tellIfDue(fresh)
  }

  override refresh(key: string, ttl: number): boolean {
    const isThere = super.refresh(key, ttl)
    const told = this.told.get(key)
    if (told !== undefined) this.tellIfDue(told)
    return isThere
  }

  /** All feeds that are wanted, for a new connection. They count as told. */
  *all(): Iterable<WantedFeed> {
    this.expire()
    const now = monotonicMs()
    for (const told of this.told.values()) {
      told.dueAt = now + told.feed.ttlMs / 3
      yield told.feed
    }
  }

  protected override drop(item: Item<T>): void {
    super.drop(item)
    this.told.delete(item.key)
  }

  private tellIfDue(told: Told): void {
    const now = monotonicMs()
    const { dueAt, feed } = told
    if (now < dueAt) return
    told.dueAt = now + feed.ttlMs / 3
    this.announcer.announce(feed)
  }
}

/** Builds the sets of an adapter in a worker. */
export class WantedSetFactory extends SubscriptionSetFactory {
  constructor(
    private readonly settings: { CACHE_TYPE: string; SUBSCRIPTION_SET_MAX_ITEMS: number },
    private readonly adapter: string,
    private readonly announcer: Announcer,
    private readonly wantedRoom?: WantedRoom,
  ) {
    super(settings, adapter)
  }

  override buildSet<T>(endpoint: string, transport: string): SubscriptionSet<T> {
    const name = { adapter: this.adapter, endpoint, transport }
    return new WantedSet<T>(this.settings.SUBSCRIPTION_SET_MAX_ITEMS, name, this.announcer, this.wantedRoom)
  }
}
