import { type EventEmitter } from 'node:events'
import { type Redis } from 'ioredis'
import { CMD_SENT_STATUS } from '../metrics/labels'
import { countCommand, isClosed, isOut, redisCommand } from './redis-command'
import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { rootMessageOf } from '../util/objects'
import { isOurs } from '../util/overridden'
import { type Cache, type CacheEntry, CacheTypes } from '../feeds/cache'
import { type LoadJudge, ON_LOAD } from '../feeds/load-judge'
import { LOCAL_LAYER, LocalCache } from '../feeds/local-cache'
import { closeRedisClient } from './redis-client'
import { RedisLock } from './redis-lock'
import { SET_RESPONSE } from './redis-script'
import { instant } from '../util/clock'

const logger = makeLogger('RedisCache')

/** For so long a value that another process wrote is answered from memory before Redis is asked again. */
const COPY_MS = 1_000
/** When more writes than this wait for an answer, further ones are kept in this process only. */
const MAX_WRITES_IN_FLIGHT = 1_000

/** The outcome of one command of a transaction. A test double may give none. */
type Outcome = [Error | null, unknown] | undefined

/** Redis takes whole milliseconds, at least one. A value without any time left still replaces the old one, and then goes at once. */
const wholeMs = (ttl: number): number => Math.max(1, Math.floor(ttl) || 1)

/**
 * Responses in Redis, for several processes (contract 8.1), with a layer in this process's memory in front. What this process wrote is
 * in the layer for its whole time to live. What it read from Redis is there for at most a second, and never past its end in Redis: a
 * busy reader makes one round trip per second and feed, and is never more than that second behind.
 *
 * Memory comes first for reads and writes. A write is in memory before it is in Redis, and it succeeds even when Redis does not answer,
 * so that values and their readers in this process do not depend on Redis. Such a failure is counted and logged; the next write of the
 * feed brings Redis up to date.
 */
export class RedisCache<T = unknown> implements Cache<T> {
  type = CacheTypes.Redis
  private readonly localCache: LocalCache<T>
  /** Values in the local layer that came from Redis. */
  private readonly copies = new WeakSet<object>()
  /** FR-6: what an earlier process or another one wrote may be too old for the limits that hold here. */
  readonly [ON_LOAD] = new Set<LoadJudge<T>>()
  private readonly reads = new Map<string, Promise<T | undefined>>()
  private readonly problems = new LogLimiter()
  private writesInFlight = 0
  private deletions = 0
  private writerLock: RedisLock | undefined

  constructor(
    private readonly client: Redis,
    localCacheCapacity: number,
  ) {
    this.localCache = new LocalCache<T>(localCacheCapacity)
    this.defineCommands()
  }

  defineCommands(): void {
    this.client.defineCommand('setExternalAdapterResponse', SET_RESPONSE)
  }

  /** The layer in memory, where it may be read instead of the cache: not when somebody has replaced `get`. */
  get [LOCAL_LAYER](): LocalCache<T> | undefined {
    return isOurs(this, RedisCache, 'get') ? this.localCache : undefined
  }

  /** @throws RedisError, or what Redis answered, when the value is not in memory and Redis cannot be asked */
  get(key: string): Promise<Readonly<T> | undefined> {
    const entry = this.localCache.read(key)
    return entry === undefined ? this.readThrough(key) : Promise.resolve(entry.value)
  }

  async set(key: string, value: Readonly<T>, ttl: number): Promise<void> {
    // First of all: what JSON cannot hold must not be in memory either.
    const text: string | undefined = JSON.stringify(value)
    this.localCache.store(key, value, ttl, instant())
    if (text === undefined) return
    await this.write('setExternalAdapterResponse', () =>
      this.client.setExternalAdapterResponse(key, text, wholeMs(ttl)),
    )
  }

  async setMany(entries: CacheEntry<Readonly<T>>[], ttl: number): Promise<void> {
    if (entries.length === 0) return
    const now = instant()
    for (const { key, value } of entries) this.localCache.store(key, value, ttl, now)
    await this.write('exec', () => this.sendAll(entries, ttl))
  }

  async delete(key: string): Promise<void> {
    this.deletions++
    void this.localCache.delete(key)
    await this.write('delete', () => this.client.del(key))
  }

  async setTTL(key: string, ttl: number): Promise<void> {
    const value = this.localCache.read(key)?.value
    // A copy does not get the new time: it would be served for all that time, even if the value in Redis is replaced.
    if (typeof value === 'object' && value !== null && this.copies.has(value))
      void this.localCache.delete(key)
    else void this.localCache.setTTL(key, ttl)
    await this.write('setTTL', () => this.client.pexpire(key, Math.floor(ttl)))
  }

  /**
   * Makes this process the only writer of an adapter's keys, for as long as it runs. When the lock is lost, or could not be acquired,
   * nothing is written to Redis; the layer in memory goes on.
   *
   * @throws Error when another process holds the lock at all of `retryCount` attempts
   */
  async lock(
    key: string,
    cacheLockDuration: number,
    retryCount: number,
    shutdownNotifier: EventEmitter,
  ): Promise<void> {
    // contract 8.8: a writer that stops closes its connection
    shutdownNotifier.once('onClose', () => void closeRedisClient(this.client))
    this.writerLock = new RedisLock(this.client, key, cacheLockDuration, retryCount, shutdownNotifier)
    await this.writerLock.acquire()
  }

  /** Whether another process may write an adapter's keys now, as far as can be known: its lease may be looked up in Redis. */
  async mayOthersWrite(lockKey: string): Promise<boolean> {
    const { client, writerLock } = this
    if (writerLock !== undefined && (writerLock.isHeld || writerLock.isLost)) return writerLock.isLost
    try {
      return (await redisCommand(client, 'get', () => client.get(lockKey))) != null
    } catch {
      return true
    }
  }

  private readThrough(key: string): Promise<T | undefined> {
    let read = this.reads.get(key)
    if (read === undefined) {
      const forget = () => this.reads.delete(key)
      read = this.read(key)
      this.reads.set(key, read)
      read.then(forget, forget)
    }
    return read
  }

  private async read(key: string): Promise<T | undefined> {
    const { client } = this
    // A test double may lack commands that the contract does not name.
    const double: Partial<Redis> = client
    const canAge = typeof double.pttl === 'function'
    const { deletions } = this
    const [text, leftMs] = await redisCommand(client, 'get', () =>
      Promise.all([client.get(key), canAge ? client.pttl(key) : 0]),
    )
    // This process wrote the key meanwhile: that value is newer than the one from Redis.
    const written = this.localCache.read(key)
    if (written !== undefined) return written.value
    if (text == null) return undefined
    const value = this.parse(key, text)
    if (typeof value !== 'object' || value === null) return value
    const allowedMs = this.allowedMs(key, value)
    if (allowedMs <= 0) return undefined
    // A value without an expiry (-1) was not written by us, and is not kept.
    if (leftMs > 0 && deletions === this.deletions) {
      this.copies.add(value)
      this.localCache.store(key, value, Math.min(leftMs, allowedMs, COPY_MS), instant())
    }
    return value
  }

  private allowedMs(key: string, value: Readonly<T>): number {
    for (const judge of this[ON_LOAD]) {
      const allowedMs = judge(key, value)
      if (allowedMs !== undefined) return allowedMs
    }
    return Infinity
  }

  /** CA-7: a value that this version cannot read counts as absent. */
  private parse(key: string, text: string): T | undefined {
    try {
      return (JSON.parse(text) as T | null) ?? undefined
    } catch {
      countCommand(this.client, CMD_SENT_STATUS.FAIL, 'get')
      this.problems.run('parse', (repeated) => {
        named(logger, this.client).warn({ key, repeated }, 'A value in Redis is no JSON and counts as none')
      })
      return undefined
    }
  }

  private async sendAll(entries: CacheEntry<Readonly<T>>[], ttl: number): Promise<void> {
    const chain = this.client.multi()
    const sent: { key: string; text: string }[] = []
    for (const { key, value } of entries) {
      const text: string | undefined = JSON.stringify(value)
      if (text === undefined) continue
      chain.setExternalAdapterResponse(key, text, wholeMs(ttl))
      sent.push({ key, text })
    }
    const outcomes: Outcome[] = (await chain.exec()) ?? []
    const error = outcomes.find((outcome) => outcome?.[0] != null)?.[0]
    if (error == null) return
    // In a transaction the client does not notice that Redis has lost the script; for a single command it sends the script again.
    if (!error.message.includes('NOSCRIPT')) throw error
    const failed = sent.filter((_one, at) => outcomes[at]?.[0] != null)
    await Promise.all(
      failed.map(({ key, text }) => this.client.setExternalAdapterResponse(key, text, wholeMs(ttl))),
    )
  }

  /** Never rejects. */
  private async write(functionName: string, command: () => Promise<unknown>): Promise<void> {
    if (this.writerLock?.isLost === true) return
    if (this.writesInFlight >= MAX_WRITES_IN_FLIGHT) {
      countCommand(this.client, CMD_SENT_STATUS.FAIL, functionName)
      return this.report(functionName, 'too many writes wait for an answer')
    }
    this.writesInFlight++
    try {
      await redisCommand(this.client, functionName, command)
    } catch (error) {
      this.report(functionName, rootMessageOf(error))
    } finally {
      this.writesInFlight--
    }
  }

  private report(functionName: string, reason: string): void {
    if (isClosed(this.client)) return
    this.problems.run(functionName, (repeated) => {
      named(logger, this.client)[isOut(this.client) ? 'debug' : 'error'](
        { function: functionName, repeated },
        `Redis did not take a write: ${reason}`,
      )
    })
  }
}
