import { createHash, randomBytes } from 'node:crypto'
import { type EventEmitter } from 'node:events'
import { type Redis } from 'ioredis'
import { whenConnected } from './redis-command'
import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { rootMessageOf } from '../util/objects'
import { sleep } from '../util/sleep'

const logger = makeLogger('RedisLock')

const NOT_ACQUIRED =
  'The adapter failed to acquire a lock on the cache. Please check if you are running another instance of the adapter with the same name and cache prefix.'

/** After this part of its life the lease is extended. */
const EXTEND_AFTER = 0.8
/** How many attempts are made in the rest of its life. */
const EXTENSION_ATTEMPTS = 8

/** Takes a free lease, or starts the time of our own again. It may be repeated when an answer was lost. */
const HOLD = `
local holder = redis.call('get', KEYS[1])
if holder == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
if holder then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')
return 1
`
/** Not computed at import, because the first hash of a process takes some milliseconds. */
const holdSha = (): string => createHash('sha1').update(HOLD).digest('hex')

type Outcome = 'ours' | 'theirs' | 'unknown'

/**
 * The lease that makes a process the only writer of an adapter (contract 8.8): a key with a random value and a time to live, in the
 * layout of redlock 5, so that processes of the reference framework and ours exclude each other. It is extended for as long as the
 * process runs. When it is lost, the process writes nothing, and tries to get it back.
 */
export class RedisLock {
  private readonly value = randomBytes(16).toString('hex')
  private readonly sha = holdSha()
  private readonly closing = new AbortController()
  private readonly problems = new LogLimiter()
  private state: 'acquiring' | 'held' | 'lost' = 'acquiring'
  /** Until when the lease is certainly ours, by the monotonic clock. */
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

  /** True while the lease is certainly ours. */
  get isHeld(): boolean {
    return this.state === 'held' && !this.isLost
  }

  /** True when another process may be the writer; also when our lease has ended and we have not tried to extend it since. */
  get isLost(): boolean {
    return this.state === 'lost' || (this.state === 'held' && performance.now() >= this.heldUntilMs)
  }

  /**
   * Takes the lease and keeps it. An attempt that Redis did not answer does not count, because it says nothing about another writer.
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
        named(logger, this.client).info({ key: this.key }, 'Acquired the lock on the cache')
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

  /** Extends the lease until the adapter closes. Never rejects. */
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
      named(logger, this.client).warn(
        { key: this.key },
        'Holds the lock on the cache again: writes to Redis go on',
      )
    this.state = 'held'
  }

  private lose(outcome: Outcome): void {
    this.state = 'lost'
    this.problems.run('lost', (repeated) => {
      const why =
        outcome === 'theirs' ? 'another process holds it' : 'it could not be extended before it ended'
      named(logger, this.client).error(
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
        named(logger, this.client).warn(
          { key: this.key, repeated },
          `The lock on the cache is in doubt: ${rootMessageOf(error)}`,
        )
      })
      return 'unknown'
    }
  }

  private async runScript(): Promise<unknown> {
    const { client, key, value, durationMs } = this
    try {
      // The arguments are a list, because that is the form which both clients and their test doubles accept.
      return await client.evalsha(this.sha, 1, [key, value, durationMs])
    } catch (error) {
      if (!String(error).includes('NOSCRIPT')) throw error
      return await client.eval(HOLD, 1, key, value, durationMs)
    }
  }
}
