import { createHash, randomBytes } from 'node:crypto'
import { type EventEmitter } from 'node:events'
import { type Redis } from 'ioredis'
import { whenConnected } from './redis-command'
import { LogLimiter } from '../util/log-limiter'
import { makeLogger } from '../util/logging'
import { rootMessageOf } from '../util/objects'
import { sleep } from '../util/sleep'

const logger = makeLogger('RedisLock')

const NOT_ACQUIRED =
  'The adapter failed to acquire a lock on the cache. Please check if you are running another instance of the adapter with the same name and cache prefix.'

/** When the lease is extended, as a part of its life. */
const EXTEND_AFTER = 0.8
/** Attempts in the rest of its life. */
const EXTENSION_ATTEMPTS = 8

/** Makes a free lease ours, or starts the time of ours anew: safe to repeat when an answer got lost. */
const HOLD = `
local holder = redis.call('get', KEYS[1])
if holder == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
if holder then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')
return 1
`
/** Not at import: the first hash of a process takes some milliseconds of its start. */
const holdSha = (): string => createHash('sha1').update(HOLD).digest('hex')

type Outcome = 'ours' | 'theirs' | 'unknown'

/**
 * The lease that makes a process the one writer of an adapter (contract 8.8): a key with a random value and a time to live, in the layout
 * of redlock 5, so that old and new processes keep each other out. It is extended for as long as the process runs. A lease that was
 * lost is not the end: nothing is written from then on, and the process stands by until it gets the lease back.
 */
export class RedisLock {
  private readonly value = randomBytes(16).toString('hex')
  private readonly sha = holdSha()
  private readonly closing = new AbortController()
  private readonly problems = new LogLimiter()
  private state: 'acquiring' | 'held' | 'lost' = 'acquiring'
  /** Until when the lease is surely ours, on the clock that nobody sets. */
  private heldUntilMs = 0

  constructor(
    private readonly client: Redis,
    private readonly key: string,
    private readonly durationMs: number,
    private readonly retryCount: number,
    shutdownNotifier: EventEmitter,
  ) {
    shutdownNotifier.once('onClose', () => this.closing.abort())
  }

  /** True when another process may be the writer: also when this one slept through its lease and has not noticed yet. */
  get isLost(): boolean {
    return this.state === 'lost' || (this.state === 'held' && performance.now() >= this.heldUntilMs)
  }

  /**
   * Takes the lease and keeps it. An attempt that Redis did not answer does not count: that it is down says nothing about another
   * writer.
   *
   * @returns false when the adapter was closed first
   * @throws Error when another process holds the lease at every attempt
   */
  async acquire(): Promise<boolean> {
    const { signal } = this.closing
    const attempts = Math.max(1, this.retryCount)
    for (let refused = 0; !signal.aborted;) {
      const outcome = await this.hold()
      if (outcome === 'ours') {
        this.state = 'held'
        logger.info({ key: this.key }, 'Acquired the lock on the cache')
        void this.keep()
        return true
      }
      if (outcome === 'theirs' && ++refused >= attempts) {
        this.state = 'lost'
        throw new Error(NOT_ACQUIRED)
      }
      await sleep(this.pauseMs, signal)
    }
    return false
  }

  private get pauseMs(): number {
    return Math.max(1, this.durationMs / Math.max(1, this.retryCount))
  }

  /** Never rejects, and ends with the adapter. */
  private async keep(): Promise<void> {
    const { signal } = this.closing
    let pauseMs = EXTEND_AFTER * this.durationMs
    for (;;) {
      await sleep(pauseMs, signal)
      if (signal.aborted) return
      const outcome = await this.hold()
      if (outcome === 'ours') {
        this.regain()
        pauseMs = EXTEND_AFTER * this.durationMs
        continue
      }
      if (outcome === 'theirs' || performance.now() >= this.heldUntilMs) this.lose(outcome)
      pauseMs =
        this.state === 'lost'
          ? this.pauseMs
          : Math.max(1, ((1 - EXTEND_AFTER) * this.durationMs) / EXTENSION_ATTEMPTS)
    }
  }

  private regain(): void {
    if (this.state === 'lost')
      logger.warn({ key: this.key }, 'Holds the lock on the cache again: writes to Redis go on')
    this.state = 'held'
  }

  private lose(outcome: Outcome): void {
    this.state = 'lost'
    this.problems.run('lost', (repeated) => {
      const why =
        outcome === 'theirs' ? 'another process holds it' : 'it could not be extended before it ended'
      logger.error(
        { key: this.key, repeated },
        `Lost the lock on the cache (${why}): writes nothing to Redis until it is back`,
      )
    })
  }

  private async hold(): Promise<Outcome> {
    const askedAt = performance.now()
    try {
      const reply = await whenConnected(this.client, () => this.runScript())
      if (Number(reply) !== 1) return 'theirs'
      this.heldUntilMs = askedAt + this.durationMs
      return 'ours'
    } catch (error) {
      this.problems.run('unknown', (repeated) => {
        logger.warn({ key: this.key, repeated }, `The lock on the cache is in doubt: ${rootMessageOf(error)}`)
      })
      return 'unknown'
    }
  }

  private async runScript(): Promise<unknown> {
    const { client, key, value, durationMs } = this
    try {
      // From a list, in which both clients and their doubles take the arguments of a script.
      return await client.evalsha(this.sha, 1, [key, value, durationMs])
    } catch (error) {
      if (!String(error).includes('NOSCRIPT')) throw error
      return await client.eval(HOLD, 1, key, value, durationMs)
    }
  }
}
