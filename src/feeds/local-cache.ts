import { metrics } from '../metrics/registry'
import { type Instant, instant, ourTime } from '../util/clock'
import { memberOf } from '../util/objects'
import { isAhead } from './time'
import { DoubleLinkedList, LinkedListNode } from '../util/linked-list'
import { makeLogger } from '../util/logging'
import { type Cache, type CacheEntry, CacheTypes } from './cache'
import { Waiters } from './waiters'

const logger = makeLogger('LocalCache')

export interface LocalCacheEntry<T> {
  /** Its end by the wall clock, in Unix ms. The entry is over as soon as either clock has reached its end (TM-6). */
  expirationTimestamp: number
  /** Its end by the monotonic clock, in ms. */
  endsAtMs: number
  /** The era of our time in which it was last looked at: in another, a provider's time may lie ahead of us (TM-3). */
  era: number
  value: T
  /** The value as it goes over the wire, made by the first reader and gone with the next write. */
  body: string | undefined
  /** The same with the header that tells its length, for the short way; empty when it cannot go there. */
  tail: string | undefined
  /** Which of all updates was the last one of this entry. */
  update: number
  /** The list that the entry is in; undefined once it is in none. */
  list: DoubleLinkedList | undefined
}

/** Where an entry was last found: whoever writes to one key again and again need not look for it. */
export interface Place<T = unknown> {
  node: LinkedListNode<LocalCacheEntry<T>> | undefined
}

type Life = Pick<LocalCacheEntry<unknown>, 'expirationTimestamp' | 'endsAtMs'>

/** Whether neither clock has reached its end. */
export const isLive = ({ expirationTimestamp, endsAtMs }: Life, now: Instant): boolean =>
  expirationTimestamp > now.unixMs && endsAtMs > now.monotonicMs

/** TM-3: what is of a time that our time has not reached was accepted by a clock that was wrong. */
const isVoid = (entry: LocalCacheEntry<unknown>): boolean => {
  entry.era = ourTime.era
  const timestamps = memberOf(entry.value, 'timestamps')
  const indicated = memberOf(timestamps, 'providerIndicatedTimeUnixMs')
  return typeof indicated === 'number' && isAhead(indicated, ourTime.now())
}

/** Whether an entry may be served. */
const stands = (entry: LocalCacheEntry<unknown>, now: Instant): boolean =>
  isLive(entry, now) && (entry.era === ourTime.era || !isVoid(entry))

const prolong = (life: Life, ttl: number, now: Instant): void => {
  life.expirationTimestamp = now.unixMs + ttl
  life.endsAtMs = now.monotonicMs + ttl
}

const isError = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'errorMessage' in value && value.errorMessage !== undefined

/**
 * Responses in this process's memory (contract 8.1). `get` returns the very object that was set. Expiry is checked at every read;
 * at capacity the entry that was updated longest ago goes. The list is in the order of updates only while there is something to fear of
 * the capacity: moving an entry at every message touches two more of them, which with thousands of feeds are far away in memory.
 */
export class LocalCache<T = unknown> implements Cache<T> {
  type = CacheTypes.Local
  cache = new Map<string, LinkedListNode<LocalCacheEntry<T>>>()
  list = new DoubleLinkedList()
  /** Requests waiting for a key to be written. */
  readonly waiters = new Waiters<T>()
  private updates = 0
  private keepsOrder = false

  constructor(public capacity: number) {}

  get(key: string): Promise<Readonly<T> | undefined> {
    return Promise.resolve(this.read(key)?.value)
  }

  /** The live entry of a key, at once. */
  read(key: string, place?: Place<T>): LocalCacheEntry<T> | undefined {
    const node = this.find(key, place)
    if (node === undefined) return undefined
    if (stands(node.data, instant())) return node.data
    this.drop(node)
    return undefined
  }

  set(key: string, value: Readonly<T>, ttl: number): Promise<void> {
    this.store(key, value, ttl, instant())
    return Promise.resolve()
  }

  /**
   * The write itself, at once: wakes whoever waits for the key.
   *
   * @param ttl - in ms, on both clocks
   * @returns false when the value was an error and a live success stays in its place
   */
  store(key: string, value: Readonly<T>, ttl: number, now: Instant, place?: Place<T>): boolean {
    const node = this.find(key, place)
    if (node === undefined) {
      this.evictIfNeeded()
      const fresh = new LinkedListNode<LocalCacheEntry<T>>(key, {
        expirationTimestamp: now.unixMs + ttl,
        endsAtMs: now.monotonicMs + ttl,
        era: ourTime.era,
        value,
        body: undefined,
        tail: undefined,
        update: ++this.updates,
        list: this.list,
      })
      if (place !== undefined) place.node = fresh
      this.cache.set(key, fresh)
      this.list.insertAtTail(fresh)
      this.decideOnOrder()
    } else {
      const entry = node.data
      // contract 17.4: an error never replaces a live success
      if (isError(value) && !isError(entry.value) && stands(entry, now)) return false
      prolong(entry, ttl, now)
      entry.era = ourTime.era
      entry.value = value
      entry.body = undefined
      entry.tail = undefined
      this.touch(node)
    }
    this.waiters.wake(key, value)
    return true
  }

  async setMany(entries: CacheEntry<Readonly<T>>[], ttl: number): Promise<void> {
    for (const { key, value } of entries) await this.set(key, value, ttl)
  }

  delete(key: string): Promise<void> {
    const node = this.cache.get(key)
    if (node !== undefined) this.drop(node)
    return Promise.resolve()
  }

  /** Lets an entry live for so many ms at the most. */
  shorten(key: string, ttl: number): void {
    const entry = this.read(key)
    if (entry === undefined) return
    const now = instant()
    entry.expirationTimestamp = Math.min(entry.expirationTimestamp, now.unixMs + ttl)
    entry.endsAtMs = Math.min(entry.endsAtMs, now.monotonicMs + ttl)
  }

  setTTL(key: string, ttl: number): Promise<void> {
    const node = this.cache.get(key)
    if (node === undefined) return Promise.resolve()
    const now = instant()
    if (!stands(node.data, now)) this.drop(node)
    else {
      prolong(node.data, ttl, now)
      this.touch(node)
    }
    return Promise.resolve()
  }

  private find(key: string, place: Place<T> | undefined): LinkedListNode<LocalCacheEntry<T>> | undefined {
    const known = place?.node
    // Tests clear the map behind our back; then the two differ in size, and the map is right.
    if (known?.data.list === this.list && this.cache.size === this.list.size) return known
    const node = this.cache.get(key)
    if (place !== undefined) place.node = node
    return node
  }

  private drop(node: LinkedListNode<LocalCacheEntry<T>>): void {
    node.data.list = undefined
    this.list.remove(node)
    this.cache.delete(node.key)
  }

  private touch(node: LinkedListNode<LocalCacheEntry<T>>): void {
    node.data.update = ++this.updates
    if (!this.keepsOrder) return
    this.list.remove(node)
    this.list.insertAtTail(node)
  }

  /** From half full on, until three quarters are empty again: so the border is not crossed to and fro. */
  private decideOnOrder(): void {
    const { size } = this.cache
    if (this.keepsOrder) this.keepsOrder = size * 4 >= this.capacity
    else if (size * 2 >= this.capacity) {
      this.keepsOrder = true
      this.sort()
    }
  }

  private sort(): void {
    const nodes: LinkedListNode<LocalCacheEntry<T>>[] = []
    for (let node = this.list.removeHead(); node !== undefined; node = this.list.removeHead())
      nodes.push(node as LinkedListNode<LocalCacheEntry<T>>)
    nodes.sort((a, b) => a.data.update - b.data.update)
    for (const node of nodes) this.list.insertAtTail(node)
  }

  private evictIfNeeded(): void {
    if (this.cache.size < this.capacity) return
    let oldest = this.list.removeHead()
    // Tests clear the map behind our back; what they cleared is still in the list.
    while (oldest !== undefined && this.cache.get(oldest.key) !== oldest) oldest = this.list.removeHead()
    if (oldest === undefined) return
    ;(oldest as LinkedListNode<LocalCacheEntry<T>>).data.list = undefined
    this.cache.delete(oldest.key)
    logger.warn(`Cache is full (${this.capacity} items): dropped "${oldest.key}", updated longest ago`)
    metrics.get('cacheOverflowCount').inc()
  }
}

/** Where a cache that is not local keeps what it has in this process's memory. */
export const LOCAL_LAYER: unique symbol = Symbol('tickwell.localLayer')

/** A cache whose writes may go straight to {@link LocalCache.store}: nobody has put a `set` of their own in between. */
export const isPlainLocal = <T>(cache: Cache<T>): cache is LocalCache<T> =>
  cache instanceof LocalCache &&
  cache.set === LocalCache.prototype.set &&
  cache.setMany === LocalCache.prototype.setMany

/**
 * What of a cache is in this process's memory, and may be read there with {@link LocalCache.read} before the cache is asked: all of it, or a
 * layer in front. Undefined where somebody has put a `get` of their own in between.
 */
export const localLayerOf = <T>(cache: Cache<T>): LocalCache<T> | undefined =>
  cache instanceof LocalCache && cache.get === LocalCache.prototype.get
    ? cache
    : (cache as { [LOCAL_LAYER]?: LocalCache<T> })[LOCAL_LAYER]
