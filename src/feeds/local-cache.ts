import { overflowed } from '../metrics/bounds'
import { type App } from '../metrics/labels'
import { metrics } from '../metrics/registry'
import { type Instant, instant, monotonicMs, ourTime } from '../util/clock'
import { memberOf } from '../util/objects'
import { isAhead } from './time'
import { DoubleLinkedList, LinkedListNode } from '../util/linked-list'
import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { type Cache, type CacheEntry, CacheTypes } from './cache'
import { Waiters } from './waiters'

const logger = makeLogger('LocalCache')

export interface LocalCacheEntry<T> {
  /** When it expires by the wall clock, in Unix ms. The entry has expired as soon as one of both clocks says so (TM-6). */
  expirationTimestamp: number
  /** When it expires by the monotonic clock, in ms. */
  endsAtMs: number
  /**
   * The era of our clock at the last look. In another era the provider's time of the value may be in the future (TM-3), and the machine may
   * have slept.
   */
  era: number
  value: T
  /** The value as JSON text, made by the first reader and removed by the next write. */
  body: string | undefined
  /** The same for the fast lane; empty where the fast lane cannot send it. */
  tail: string | undefined
  /** The number of its last update, counted over all entries. */
  update: number
  /** The list that the entry is in; undefined after it was removed. */
  list: DoubleLinkedList | undefined
}

/** Where an entry was found last, so that repeated writes to one key need not look it up. */
export interface Place<T = unknown> {
  node: LinkedListNode<LocalCacheEntry<T>> | undefined
}

type Life = Pick<LocalCacheEntry<unknown>, 'expirationTimestamp' | 'endsAtMs'>

/** Whether it has expired by neither clock. */
export const isLive = ({ expirationTimestamp, endsAtMs }: Life, now: Instant): boolean =>
  expirationTimestamp > now.unixMs && endsAtMs > now.monotonicMs

/** TM-3: a value whose time is in the future was accepted while our clock was wrong, and must not be served. */
const isVoid = (entry: LocalCacheEntry<unknown>): boolean => {
  const timestamps = memberOf(entry.value, 'timestamps')
  const indicated = memberOf(timestamps, 'providerIndicatedTimeUnixMs')
  return typeof indicated === 'number' && isAhead(indicated, ourTime.now())
}

/** Whether an entry of another era may be served: it is as much older as the machine may have slept since. */
const outlasts = (entry: LocalCacheEntry<unknown>, now: Instant): boolean => {
  entry.endsAtMs -= ourTime.sleptMs(entry.era)
  entry.era = ourTime.era
  return isLive(entry, now) && !isVoid(entry)
}

/** Whether an entry may be served. */
const stands = (entry: LocalCacheEntry<unknown>, now: Instant): boolean =>
  isLive(entry, now) && (entry.era === ourTime.era || outlasts(entry, now))

const prolong = (life: Life, ttl: number, now: Instant): void => {
  life.expirationTimestamp = now.unixMs + ttl
  life.endsAtMs = now.monotonicMs + ttl
}

/** A last good value is forgotten so long after its end, by the monotonic clock. */
const MAX_ENDED_MS = 86_400_000

const isError = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'errorMessage' in value && value.errorMessage !== undefined

/**
 * Responses in this process's memory (contract 8.1). `get` returns the same object that was set. Expiry is checked at every read. When the
 * cache is full, the entry is removed that was updated longest ago. The list is kept in the order of updates only while the cache may get
 * full: moving an entry at every message changes two others, which are slow to reach in memory when there are thousands.
 */
export class LocalCache<T = unknown> implements Cache<T> {
  type = CacheTypes.Local
  cache = new Map<string, LinkedListNode<LocalCacheEntry<T>>>()
  list = new DoubleLinkedList()
  /** Requests waiting for a key to be written. */
  readonly waiters = new Waiters<T>()
  /** The last good values that are over, for those who ask what was served last (FR-5): noted when one ends, not when it is written. */
  private readonly ended = new Map<string, LocalCacheEntry<T>>()
  /** Each is called with the key of an entry that had to go before its end, because the cache was full (CA-3). */
  readonly onEvicted = new Set<(key: string) => void>()
  private readonly evictions = new LogLimiter()
  /** Whose it is, for what is counted of it. Default: the process's. */
  owner: App = {}
  private updates = 0
  private keepsOrder = false

  constructor(public capacity: number) {}

  get(key: string): Promise<Readonly<T> | undefined> {
    return Promise.resolve(this.read(key)?.value)
  }

  /** The live entry of a key, without a promise. */
  read(key: string, place?: Place<T>, now?: Instant): LocalCacheEntry<T> | undefined {
    const node = this.find(key, place)
    if (node === undefined) return undefined
    if (stands(node.data, now ?? instant())) return node.data
    this.drop(node)
    return undefined
  }

  /** The last entry of a key that was no error, whether or not it is over; undefined where that is too long ago. Nothing is changed. */
  lastGood(key: string): LocalCacheEntry<T> | undefined {
    const current = this.cache.get(key)?.data
    return current === undefined || isError(current.value) ? this.ended.get(key) : current
  }

  set(key: string, value: Readonly<T>, ttl: number): Promise<void> {
    this.store(key, value, ttl, instant())
    return Promise.resolve()
  }

  /**
   * Writes before it returns, without a promise, and wakes the requests that wait for the key.
   *
   * @param ttl - in ms, on both clocks
   * @returns false where the value was an error and was not stored, because a live success is there
   */
  store(key: string, value: Readonly<T>, ttl: number, now: Instant, place?: Place<T>): boolean {
    const node = this.find(key, place)
    if (node === undefined) {
      this.evictIfNeeded()
      const fresh = new LinkedListNode<LocalCacheEntry<T>>(key, {
        expirationTimestamp: now.unixMs + ttl,
        endsAtMs: now.monotonicMs + ttl,
        era: now.era ?? ourTime.era,
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
      if (isError(value)) {
        // contract 17.4: an error never replaces a live success
        if (!isError(entry.value) && stands(entry, now)) return false
        this.noteEnd(key, entry)
      }
      prolong(entry, ttl, now)
      entry.era = now.era ?? ourTime.era
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

  /** Makes an entry expire after `ttl` ms, or when it would anyway if that is earlier. @returns whether it now ends earlier */
  shorten(key: string, ttl: number): boolean {
    const entry = this.read(key)
    if (entry === undefined) return false
    const now = instant()
    const { expirationTimestamp, endsAtMs } = entry
    entry.expirationTimestamp = Math.min(expirationTimestamp, now.unixMs + ttl)
    entry.endsAtMs = Math.min(endsAtMs, now.monotonicMs + ttl)
    return entry.expirationTimestamp < expirationTimestamp || entry.endsAtMs < endsAtMs
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
    // Tests clear the map themselves; then the sizes of map and list differ, and the map is right.
    if (known?.data.list === this.list && this.cache.size === this.list.size) return known
    const node = this.cache.get(key)
    if (place !== undefined) place.node = node
    return node
  }

  private drop(node: LinkedListNode<LocalCacheEntry<T>>): void {
    this.noteEnd(node.key, node.data)
    node.data.list = undefined
    this.list.remove(node)
    this.cache.delete(node.key)
  }

  private noteEnd(key: string, entry: LocalCacheEntry<T>): void {
    if (isError(entry.value)) return
    this.ended.delete(key)
    this.ended.set(key, { ...entry, body: undefined, tail: undefined })
    const isFull = this.ended.size > this.capacity
    if (isFull) overflowed('last_good_values')
    const [oldest] = this.ended
    if (oldest && (isFull || monotonicMs() - oldest[1].endsAtMs > MAX_ENDED_MS)) this.ended.delete(oldest[0])
  }

  private touch(node: LinkedListNode<LocalCacheEntry<T>>): void {
    node.data.update = ++this.updates
    if (!this.keepsOrder) return
    this.list.remove(node)
    this.list.insertAtTail(node)
  }

  /** The order is kept from half full on, and until only a quarter is full again, so that it is not switched on and off all the time. */
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
    // Tests clear the map themselves; entries that they removed are still in the list.
    while (oldest !== undefined && this.cache.get(oldest.key) !== oldest) oldest = this.list.removeHead()
    if (oldest === undefined) return
    const { data } = oldest as LinkedListNode<LocalCacheEntry<T>>
    this.noteEnd(oldest.key, data)
    data.list = undefined
    this.cache.delete(oldest.key)
    for (const tell of this.onEvicted) tell(oldest.key)
    const { key } = oldest
    this.evictions.run('full', (repeated) => {
      named(logger, this).warn(
        { repeated },
        `Cache is full (${this.capacity} items): dropped "${key}", updated longest ago`,
      )
    })
    metrics.get('cacheOverflowCount').inc(this.owner, 1)
  }
}

/** The member of a cache that is not local itself, but has a layer in this process's memory. */
export const LOCAL_LAYER: unique symbol = Symbol('tickwell.localLayer')

/** Whether writes may call {@link LocalCache.store} directly: nobody has replaced `set` or `setMany`. */
export const isPlainLocal = <T>(cache: Cache<T>): cache is LocalCache<T> =>
  cache instanceof LocalCache &&
  cache.set === LocalCache.prototype.set &&
  cache.setMany === LocalCache.prototype.setMany

/**
 * The part of a cache that is in this process's memory and may be read with {@link LocalCache.read} before the cache is asked: the whole
 * cache, or a layer in front of it. Undefined where somebody has replaced `get`.
 */
export const localLayerOf = <T>(cache: Cache<T>): LocalCache<T> | undefined =>
  cache instanceof LocalCache && cache.get === LocalCache.prototype.get
    ? cache
    : (cache as { [LOCAL_LAYER]?: LocalCache<T> })[LOCAL_LAYER]
