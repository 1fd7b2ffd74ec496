import { type Redis } from 'ioredis'
import { isClosed, isOut, redisCommand } from './redis-command'
import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { isObject, rootMessageOf } from '../util/objects'
import { type WantedRoom } from '../feeds/feed-rooms'
import { type SubscriptionSet } from '../feeds/subscription-set'
import { weightOf } from '../feeds/weight'
import { overflowed } from '../metrics/bounds'
import { type Identify } from '../feeds/delta'
import { monotonicMs } from '../util/clock'

const logger = makeLogger('RedisSubscriptionSet')

/** The expiry of a member is written to Redis again after this time, or after a tenth of its life if that is shorter. */
const REFRESH_MS = 1_000

const REREAD_MS = 1_000

/** A member that this process asked for. */
interface Asked<T> {
  value: T
  member: string
  /** In the room, in bytes. */
  weight: number
  expiresAt: number
  /** When Redis last accepted it; 0 if it has not. */
  savedAt: number
}

/** A member that the set in Redis had. */
interface Held<T> {
  value: T
  weight: number
}

/**
 * The subscription set of several processes (contract 8.7, 10.2): a sorted set in Redis of members in JSON, by the time at which they
 * expire. A feed keeps the spelling in which it first came for as long as this process wants it.
 *
 * While Redis cannot be reached, a process with background work goes on with what the set last held and what the process itself wants.
 */
export class RedisSubscriptionSet<T> implements SubscriptionSet<T> {
  /** By cache key, in the order in which they were last asked for. */
  private readonly asked = new Map<string, Asked<T>>()
  /** What the set last held, by member: a feed stays the same object for as long as it is wanted. */
  private held = new Map<string, Held<T>>()
  /** Whether this process reads the set, because it has background work to do. */
  private isRead = false
  private readAtMs = 0
  /** The names of what the set last held; undefined before somebody asks. */
  private names: Set<string> | undefined
  private onAdded: (() => void) | undefined
  private readonly problems = new LogLimiter()

  constructor(
    private readonly redisClient: Redis,
    private readonly subscriptionSetKey: string,
    private readonly capacity = 10_000,
    private readonly room?: WantedRoom,
  ) {}

  /** @throws RedisError, or what Redis answered, when Redis did not accept the member and nothing in this process reads the set */
  async add(value: T, ttl: number, key?: string): Promise<void> {
    const now = Date.now()
    const member = JSON.stringify(value)
    const id = key ?? member
    const known = this.liveOf(id, now)
    const asked = known ?? { value, member, weight: weightOf(value), expiresAt: 0, savedAt: 0 }
    asked.expiresAt = now + ttl
    this.remember(id, asked, now)
    const isNew = known === undefined && !this.held.has(member)
    if (now - asked.savedAt < Math.min(REFRESH_MS, ttl / 10) && now >= asked.savedAt) return
    try {
      await redisCommand(this.redisClient, 'zadd', () =>
        this.redisClient.zadd(this.subscriptionSetKey, asked.expiresAt, asked.member),
      )
      asked.savedAt = now
    } catch (error) {
      asked.savedAt = 0
      if (!this.isRead) throw error
      this.report('zadd', error)
    }
    if (isNew) this.onAdded?.()
  }

  /** Never rejects: the same feeds are wanted when Redis cannot be asked. */
  async getAll(): Promise<T[]> {
    this.isRead = true
    this.readAtMs = monotonicMs()
    const now = Date.now()
    try {
      const [, members] = await Promise.all([
        redisCommand(this.redisClient, 'zremrangebyscore', () =>
          this.redisClient.zremrangebyscore(this.subscriptionSetKey, '-inf', String(now)),
        ),
        redisCommand(this.redisClient, 'zrange', () =>
          this.redisClient.zrange(this.subscriptionSetKey, 0, '-1'),
        ),
      ])
      this.held = this.valuesOf(members)
      this.names = undefined
    } catch (error) {
      this.report('zrange', error)
    }
    return this.withOwn(now)
  }

  get(_key: string): T | undefined {
    return undefined
  }

  /** Whether the params of a feed fit into the memory for them, if this process does not want it already. */
  hasRoomFor(key: string, value?: unknown): boolean {
    const now = Date.now()
    const { room } = this
    if (room === undefined || this.liveOf(key, now) !== undefined) return true
    const weight = weightOf(value)
    if (room.hasFor(weight)) return true
    this.forgetExpired(now)
    return room.hasFor(weight)
  }

  /**
   * Whether a feed is wanted, by what is known: it does not wait for Redis. If the set was read longer ago than a second, it is read again
   * for whoever asks later.
   */
  has(value: T, identityOf: Identify): boolean {
    if (monotonicMs() - this.readAtMs >= REREAD_MS) void this.getAll()
    const name = identityOf(value)
    this.names ??= new Set(Array.from(this.held.values(), ({ value: held }) => identityOf(held)))
    if (this.names.has(name)) return true
    const now = Date.now()
    return [...this.asked.values()].some((one) => one.expiresAt > now && identityOf(one.value) === name)
  }

  /** @param onAdded - called when this process wants a feed that the set did not hold */
  follow(onAdded: () => void): void {
    this.onAdded = onAdded
  }

  private liveOf(id: string, now: number): Asked<T> | undefined {
    const asked = this.asked.get(id)
    return asked !== undefined && asked.expiresAt > now ? asked : undefined
  }

  private remember(id: string, asked: Asked<T>, now: number): void {
    this.forget(id)
    for (const [oldest, { expiresAt }] of this.asked) {
      if (expiresAt > now && this.asked.size < this.capacity) break
      this.forget(oldest)
    }
    this.asked.set(id, asked)
    this.room?.take(asked.weight)
  }

  private forgetExpired(now: number): void {
    for (const [id, { expiresAt }] of this.asked) if (expiresAt <= now) this.forget(id)
  }

  private forget(id: string): void {
    const asked = this.asked.get(id)
    if (asked === undefined) return
    this.asked.delete(id)
    this.room?.free(asked.weight)
  }

  /** What the set held, and what this process wants that was not in it: Redis did not accept it, or has lost it. */
  private withOwn(now: number): T[] {
    const values = Array.from(this.held.values(), ({ value }) => value)
    for (const asked of this.asked.values()) {
      if (asked.expiresAt <= now || this.held.has(asked.member)) continue
      asked.savedAt = 0
      values.push(asked.value)
    }
    return values
  }

  /** Those that were there before stay; of the new ones, those that there is no room for are left out. */
  private valuesOf(members: string[]): Map<string, Held<T>> {
    const gone = new Map(this.held)
    for (const member of members) gone.delete(member)
    for (const { weight } of gone.values()) this.room?.free(weight)
    const values = new Map<string, Held<T>>()
    for (const member of members) {
      const held = this.held.get(member) ?? this.admitted(this.parse(member))
      if (held !== undefined) values.set(member, held)
    }
    return values
  }

  private admitted(value: T | undefined): Held<T> | undefined {
    if (value === undefined) return undefined
    const weight = weightOf(value)
    if (this.room?.hasFor(weight) === false) return this.leftOut()
    this.room?.take(weight)
    return { value, weight }
  }

  private leftOut(): undefined {
    overflowed('shared_subscriptions')
    this.problems.run('room', (repeated) => {
      named(logger, this).warn(
        { key: this.subscriptionSetKey, repeated },
        'A member of the set in Redis is left out: its parameters are large, and those of wanted feeds take as much memory as they may',
      )
    })
  }

  private parse(member: string): T | undefined {
    try {
      const value = JSON.parse(member) as T
      if (isObject(value)) return value
    } catch {
      // Logged below.
    }
    this.problems.run('member', (repeated) => {
      named(logger, this).warn(
        { key: this.subscriptionSetKey, repeated },
        'A member of the set in Redis is no JSON object',
      )
    })
    return undefined
  }

  private report(functionName: string, error: unknown): void {
    if (isClosed(this.redisClient)) return
    this.problems.run(functionName, (repeated) => {
      named(logger, this)[isOut(this.redisClient) ? 'debug' : 'error'](
        { function: functionName, repeated },
        `The subscriptions in Redis are out of reach: ${rootMessageOf(error)}`,
      )
    })
  }
}
