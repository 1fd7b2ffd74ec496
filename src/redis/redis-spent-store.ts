import { type Redis } from 'ioredis'
import { type SpentCredits, type SpentStore } from '../outbound-http/spent-store'
import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { rootMessageOf } from '../util/objects'
import { sleep } from '../util/sleep'
import { isClosed, isOut, redisCommand } from './redis-command'

const logger = makeLogger('RedisSpentStore')

/** A window is kept as so many counts. */
const BUCKETS = 60
/** What is spent is written at once, and then at most this often. */
const WRITE_MS = 1_000

/**
 * The credits that an adapter has spent, in Redis: a count for each sixtieth of a window, which expires when the window has passed. All
 * processes of the adapter add to the same counts, so that one which follows another knows what both have spent. What counts is the end of a
 * sixtieth, so that no credit comes back too early. What a process spent in the second before it was killed may be missing.
 */
export class RedisSpentStore implements SpentStore {
  private lengthsMs: readonly number[] = []
  private unwritten = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private writing: Promise<void> | undefined
  private readonly problems = new LogLimiter()

  /**
   * @param prefix - of all keys: that of the adapter's other keys
   * @param patienceMs - how long a read may take
   */
  constructor(
    private readonly client: Redis,
    private readonly prefix: string,
    private readonly patienceMs: number,
  ) {}

  async read(lengthsMs: readonly number[]): Promise<SpentCredits[][] | undefined> {
    this.lengthsMs = lengthsMs
    const over = new AbortController()
    try {
      const all = Promise.all(lengthsMs.map((lengthMs) => this.readWindow(lengthMs, Date.now())))
      const late = sleep(this.patienceMs, over.signal).then(() => undefined)
      const read = await Promise.race([all, late])
      if (read === undefined) this.report('there was no answer in time')
      return read
    } catch (error) {
      this.report(rootMessageOf(error))
      return undefined
    } finally {
      over.abort()
    }
  }

  add(credits: number): void {
    this.unwritten += credits
    if (this.timer !== undefined) return
    this.timer = setTimeout(() => this.writeAgain(), WRITE_MS)
    // Timers of fake clocks may be plain numbers.
    const timer: Partial<Pick<NodeJS.Timeout, 'unref'>> = this.timer
    timer.unref?.()
    void this.write()
  }

  /** Writes what has not been written. Resolves when that is done or has failed. */
  async close(): Promise<void> {
    clearTimeout(this.timer)
    await this.writing
    await this.write()
  }

  private writeAgain(): void {
    this.timer = undefined
    if (this.unwritten > 0) this.add(0)
  }

  /** One write at a time. What could not be written is added to the next one. */
  private async write(): Promise<void> {
    if (this.writing !== undefined || this.unwritten === 0 || isClosed(this.client)) return
    const credits = this.unwritten
    this.unwritten = 0
    this.writing = this.addToAll(credits).catch((error: unknown) => {
      this.unwritten += credits
      this.report(rootMessageOf(error))
    })
    await this.writing
    this.writing = undefined
  }

  private async addToAll(credits: number): Promise<void> {
    const now = Date.now()
    await Promise.all(
      this.lengthsMs.map(async (lengthMs) => {
        const widthMs = lengthMs / BUCKETS
        const key = this.keyOf(lengthMs, Math.floor(now / widthMs))
        await redisCommand(this.client, 'incrbyfloat', () => this.client.incrbyfloat(key, credits))
        const livesMs = Math.ceil(lengthMs + 2 * widthMs)
        await redisCommand(this.client, 'pexpire', () => this.client.pexpire(key, livesMs))
      }),
    )
  }

  private async readWindow(lengthMs: number, now: number): Promise<SpentCredits[]> {
    const widthMs = lengthMs / BUCKETS
    const first = Math.floor((now - lengthMs) / widthMs)
    // Also those that lie ahead: the clock may have been set back.
    const buckets = Array.from({ length: 2 * BUCKETS + 2 }, (_, n) => first + n)
    const keys = buckets.map((bucket) => this.keyOf(lengthMs, bucket))
    const counts = await redisCommand(this.client, 'mget', () => this.client.mget(keys))
    return buckets
      .map((bucket, at) => {
        const spentAt = Math.min((bucket + 1) * widthMs, now)
        return { credits: Number(counts[at] ?? 0), backInMs: lengthMs - (now - spentAt) }
      })
      .filter(({ credits, backInMs }) => credits > 0 && backInMs > 0)
  }

  private keyOf(lengthMs: number, bucket: number): string {
    return `${this.prefix}-rateLimit-${lengthMs}-${bucket}`
  }

  private report(reason: string): void {
    if (isClosed(this.client)) return
    this.problems.run('', (repeated) =>
      named(logger, this.client)[isOut(this.client) ? 'debug' : 'warn'](
        { repeated },
        `What was spent of the rate limit could not be read from, or written to, Redis: ${reason}`,
      ),
    )
  }
}
