import { type Redis } from 'ioredis'
import { isClosed, redisCommand } from './redis-command'
import { LogLimiter } from '../util/log-limiter'
import { makeLogger } from '../util/logging'
import { isObject, rootMessageOf } from '../util/objects'
import { type SubscriptionSet } from '../feeds/subscription-set'
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
  expiresAt: number
  /** When Redis last accepted it; 0 if it has not. */
  savedAt: number
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
  private held = new Map<string, T>()
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
  ) {}

  /** @throws RedisError, or what Redis answered, when Redis did not accept the member and nothing in this process reads the set */
  async add(value: T, ttl: number, key?: string): Promise<void> {
    const now = Date.now()
    const member = JSON.stringify(value)
    const id = key ?? member
    const known = this.liveOf(id, now)
    const asked = known ?? { value, member, expiresAt: 0, savedAt: 0 }
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

  /**
   * Whether a feed is wanted, by what is known: it does not wait for Redis. If the set was read longer ago than a second, it is read again
   * for whoever asks later.
   */
  has(value: T, identityOf: Identify): boolean {
    if (monotonicMs() - this.readAtMs >= REREAD_MS) void this.getAll()
    const name = identityOf(value)
    this.names ??= new Set([...this.held.values()].map(identityOf))
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
    this.asked.delete(id)
    for (const [oldest, { expiresAt }] of this.asked) {
      if (expiresAt > now && this.asked.size < this.capacity) break
      this.asked.delete(oldest)
    }
    this.asked.set(id, asked)
  }

  /** What the set held, and what this process wants that was not in it: Redis did not accept it, or has lost it. */
  private withOwn(now: number): T[] {
    const values = [...this.held.values()]
    for (const asked of this.asked.values()) {
      if (asked.expiresAt <= now || this.held.has(asked.member)) continue
      asked.savedAt = 0
      values.push(asked.value)
    }
    return values
  }

  private valuesOf(members: string[]): Map<string, T> {
    const values = new Map<string, T>()
    for (const member of members) {
      const value = this.held.get(member) ?? this.parse(member)
      if (value !== undefined) values.set(member, value)
    }
    return values
  }

  private parse(member: string): T | undefined {
    try {
      const value = JSON.parse(member) as T
      if (isObject(value)) return value
    } catch {
      // Logged below.
    }
    this.problems.run('member', (repeated) => {
      logger.warn(
        { key: this.subscriptionSetKey, repeated },
        'A member of the set in Redis is no JSON object',
      )
    })
    return undefined
  }

  private report(functionName: string, error: unknown): void {
    if (isClosed(this.redisClient)) return
    this.problems.run(functionName, (repeated) => {
      logger.error(
        { function: functionName, repeated },
        `The subscriptions in Redis are out of reach: ${rootMessageOf(error)}`,
      )
    })
  }
}
