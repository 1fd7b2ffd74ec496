import { monotonicMs } from '../util/clock'
import { ExpiryHeap } from '../util/expiry-heap'
import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { type WantedRoom } from './feed-rooms'
import { type SubscriptionSet } from './subscription-set'
import { weightOf } from './weight'

const logger = makeLogger('ExpiringSortedSet')

export interface Item<T> {
  readonly key: string
  value: T
  /** By the monotonic clock, so that a step of the wall clock neither ends nor extends a subscription (TM-6). */
  expiresAt: number
  /** In the set's room, in bytes; 0 where it has none. */
  readonly weight: number
}

/** What was added to a set and removed from it since the last call, by key. What was both added and removed is in neither. */
export interface SetChanges<T> {
  added: Map<string, T>
  removed: Map<string, T>
}

/**
 * The local subscription set. Refreshing a member writes one field. Expired members are found with a heap, so that the cost of looking for
 * changes depends on the number of changes and not on the size of the set.
 */
export class ExpiringSortedSet<T> implements SubscriptionSet<T> {
  private readonly items = new Map<string, Item<T>>()
  private readonly heap = new ExpiryHeap<Item<T>>()
  private changes: SetChanges<T> | undefined
  private onAdded: (() => void) | undefined
  private problems: LogLimiter | undefined
  /** The values in order; undefined once a member has been removed or changed. */
  private listed: T[] | undefined

  /** @param room - what its members may take in memory, together with those of other sets. Members are added also beyond it */
  constructor(
    readonly capacity: number,
    private readonly room?: WantedRoom,
  ) {}

  get size(): number {
    return this.items.size
  }

  add(value: T, ttl: number, key: string): void {
    const item = this.items.get(key)
    if (item !== undefined) {
      if (item.value !== value) this.listed = undefined
      item.value = value
      if (this.changes?.added.has(key)) this.changes.added.set(key, value)
      this.extend(item, monotonicMs() + ttl)
      return
    }
    if (this.items.size >= this.capacity) this.evict()
    const weight = this.room === undefined ? 0 : weightOf(value)
    this.room?.take(weight)
    const fresh = { key, value, expiresAt: monotonicMs() + ttl, weight }
    this.items.set(key, fresh)
    this.heap.push(fresh)
    this.listed?.push(value)
    this.noteAdded(key, value)
    this.onAdded?.()
  }

  /** Whether adding this member evicts no other: it is there, or there is room. For those who rather refuse a new one. */
  hasRoomFor(key: string, value?: unknown): boolean {
    if (this.items.has(key) || this.isRoomy(value)) return true
    this.expire()
    return this.isRoomy(value)
  }

  private isRoomy(value: unknown): boolean {
    return this.items.size < this.capacity && (this.room?.hasFor(weightOf(value)) ?? true)
  }

  /** Keeps a member for `ttl` ms from now, with the same value. False when the key is not in the set. */
  refresh(key: string, ttl: number): boolean {
    const item = this.items.get(key)
    if (item === undefined) return false
    this.extend(item, monotonicMs() + ttl)
    return true
  }

  /** The values of all members that have not expired, in the order in which they were first added. */
  getAll(): T[] {
    this.expire()
    this.listed ??= Array.from(this.items.values(), ({ value }) => value)
    return [...this.listed]
  }

  /** The keys and values of all members that have not expired. */
  *entries(): Iterable<[string, T]> {
    this.expire()
    for (const { key, value } of this.items.values()) yield [key, value]
  }

  get(key: string): T | undefined {
    return this.items.get(key)?.value
  }

  has(key: string): boolean {
    return this.items.has(key)
  }

  /** Whether a member is there and has not expired. It costs one look, where {@link getAll} looks for all that have. */
  isLive(key: string): boolean {
    const item = this.items.get(key)
    return item !== undefined && item.expiresAt > monotonicMs()
  }

  delete(key: string): void {
    const item = this.items.get(key)
    if (item === undefined) return
    this.heap.remove(item)
    this.drop(item)
  }

  /**
   * From now on remembers what is added and removed, for {@link takeChanges}. `onAdded` is called when a member is added. A set has one
   * follower at most.
   */
  follow(onAdded: () => void): void {
    this.onAdded = onAdded
    this.changes = { added: new Map(), removed: new Map() }
    for (const item of this.items.values()) this.changes.added.set(item.key, item.value)
  }

  /** Removes expired members, and returns what changed since the last call. */
  takeChanges(): SetChanges<T> {
    this.expire()
    const changes = this.changes ?? { added: new Map<string, T>(), removed: new Map<string, T>() }
    this.changes = { added: new Map(), removed: new Map() }
    return changes
  }

  private extend(item: Item<T>, expiresAt: number): void {
    const isLater = expiresAt >= item.expiresAt
    item.expiresAt = expiresAt
    if (!isLater) this.heap.update(item)
  }

  /** Removes expired members. */
  protected expire(): void {
    const now = monotonicMs()
    for (let item = this.heap.popExpired(now); item !== undefined; item = this.heap.popExpired(now))
      this.drop(item)
  }

  private evict(): void {
    const item = this.heap.popEarliest()
    if (item === undefined) return
    this.drop(item)
    this.problems ??= new LogLimiter()
    this.problems.run('full', (repeated) => {
      named(logger, this).warn(
        { repeated },
        `Subscriptions are full (${this.capacity}): dropped "${item.key}", asked for longest ago`,
      )
    })
  }

  protected drop(item: Item<T>): void {
    this.items.delete(item.key)
    this.room?.free(item.weight)
    this.listed = undefined
    if (this.changes === undefined) return
    if (!this.changes.added.delete(item.key)) this.changes.removed.set(item.key, item.value)
  }

  private noteAdded(key: string, value: T): void {
    if (this.changes === undefined) return
    if (!this.changes.removed.delete(key)) this.changes.added.set(key, value)
  }
}
