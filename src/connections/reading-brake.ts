import { monotonicMs } from '../util/clock'
import { type Link, type LinkListener } from './link'

const SECOND_MS = 1_000
/** Short, so that the event loop is never held up for long at a time. */
const TIME_PERIOD_MS = 100
const BURST_MS = 500

/** What is taken from one connection. */
export interface ReadingLimits {
  messagesPerSecond: number
  bytesPerSecond: number
  /** The part of our time that its messages may take, above 0; Infinity for no limit. */
  busyShare: number
  /** How much of it may be taken at once before that, in ms: the first messages of a kind take longest. Default 500. */
  busyBurstMs?: number
}

/** A limit that a connection is told of. Time is none: it may be that of a busy machine. */
export type ReadingLimit = 'messages' | 'bytes'

/** So much in each period; what went beyond is owed to the periods after it. */
class Quota {
  private used = 0
  private sinceMs = 0

  constructor(
    private readonly limit: number,
    private readonly periodMs: number,
    private readonly burst = 0,
  ) {}

  spend(amount: number, now: number): void {
    this.pass(now)
    if (this.used === 0) this.sinceMs = now
    this.used += amount
  }

  /** How long until there is something to spend again, in ms; 0 where there is. */
  waitMs(now: number): number {
    this.pass(now)
    const beyond = this.used - this.burst
    if (beyond < this.limit) return 0
    return this.sinceMs + Math.floor(beyond / this.limit) * this.periodMs - now
  }

  private pass(now: number): void {
    const periods = Math.floor((now - this.sinceMs) / this.periodMs)
    if (periods <= 0 || this.used === 0) return
    this.used = Math.max(0, this.used - periods * this.limit)
    this.sinceMs += periods * this.periodMs
  }
}

/**
 * The part of our time that all connections of one listener may take together, however many they are. Those that are released first go to
 * the end of the line, so that each has its turn.
 */
export class CommonTime {
  private readonly quota: Quota
  private readonly brakes = new Set<ReadingBrake>()

  /** @param busyShare - above 0 and at most 1 */
  constructor(busyShare: number, burstMs = BURST_MS) {
    this.quota = new Quota(busyShare * TIME_PERIOD_MS, TIME_PERIOD_MS, burstMs)
  }

  join(brake: ReadingBrake): void {
    this.brakes.delete(brake)
    this.brakes.add(brake)
  }

  leave(brake: ReadingBrake): void {
    this.brakes.delete(brake)
  }

  /** Where no time is left now, all connections pause. */
  spend(busyMs: number, now: number): void {
    this.quota.spend(busyMs, now)
    if (this.waitMs(now) > 0) for (const brake of this.brakes) brake.pull(now)
  }

  waitMs(now: number): number {
    return this.quota.waitMs(now)
  }
}

/**
 * Keeps one connection from taking the time of the others: what it sends is counted in messages, bytes and time, and beyond a limit nothing
 * more is read from it until there is room again. The other side feels that as back-pressure; nothing is lost.
 */
export class ReadingBrake {
  private readonly quotas: Record<ReadingLimit | 'time', Quota>
  private timer: ReturnType<typeof setTimeout> | undefined
  private isStopped = false

  /**
   * @param on.pause - called when reading has to pause: with the limit that this connection has reached; undefined where its time,
   *   or that of all, is spent
   * @param on.release - called when it may go on
   */
  constructor(
    { messagesPerSecond, bytesPerSecond, busyShare, busyBurstMs = BURST_MS }: ReadingLimits,
    private readonly on: { pause: (limit: ReadingLimit | undefined) => void; release: () => void },
    private readonly common?: CommonTime,
  ) {
    this.quotas = {
      messages: new Quota(messagesPerSecond, SECOND_MS),
      bytes: new Quota(bytesPerSecond, SECOND_MS),
      time: new Quota(busyShare * TIME_PERIOD_MS, TIME_PERIOD_MS, busyBurstMs),
    }
    common?.join(this)
  }

  get isOn(): boolean {
    return this.timer !== undefined
  }

  /**
   * Counts what has been read.
   *
   * @param of.sinceMs - when the work on it began, by the monotonic clock; it took until now
   * @returns what that clock shows now
   */
  spend(of: { messages: number; bytes: number; sinceMs: number }): number {
    const now = monotonicMs()
    const { messages, bytes, time } = this.quotas
    messages.spend(of.messages, now)
    bytes.spend(of.bytes, now)
    time.spend(now - of.sinceMs, now)
    if (!this.isOn && !this.isStopped && this.waitMs(now) > 0) {
      this.await(now)
      this.on.pause(this.reached(now))
    }
    this.common?.spend(now - of.sinceMs, now)
    return now
  }

  /** The time of all is spent. Those that wait already wait on in their order. */
  pull(now: number): void {
    const wasOn = this.isOn
    this.await(now)
    if (!wasOn) this.on.pause(undefined)
  }

  /** Nothing pauses and nothing is released any more; what is spent still counts for all. */
  stop(): void {
    this.isStopped = true
    clearTimeout(this.timer)
    this.timer = undefined
    this.common?.leave(this)
  }

  private reached(now: number): ReadingLimit | undefined {
    const { messages, bytes } = this.quotas
    if (messages.waitMs(now) > 0) return 'messages'
    return bytes.waitMs(now) > 0 ? 'bytes' : undefined
  }

  private waitMs(now: number): number {
    const { messages, bytes, time } = this.quotas
    const waits = [messages, bytes, time].map((quota) => quota.waitMs(now))
    return Math.max(...waits, this.common?.waitMs(now) ?? 0)
  }

  private await(now: number): void {
    const look = (): void => {
      const then = monotonicMs()
      // The time of all may have been spent by those who were released before.
      if (this.waitMs(then) > 0) return this.await(then)
      this.timer = undefined
      this.common?.join(this)
      this.on.release()
    }
    clearTimeout(this.timer)
    this.timer = setTimeout(look, Math.ceil(this.waitMs(now)))
  }
}

/**
 * Reads a link within limits.
 *
 * @param to.limited - called with each limit that makes it pause
 */
export const readWithin = (
  limits: ReadingLimits,
  link: Pick<Link, 'listen' | 'pause' | 'resume'>,
  to: LinkListener & { limited: (limit: ReadingLimit) => void },
  common?: CommonTime,
): void => {
  const pause = (limit: ReadingLimit | undefined): void => {
    link.pause()
    if (limit !== undefined) to.limited(limit)
  }
  const brake = new ReadingBrake(limits, { pause, release: () => link.resume() }, common)
  link.listen({
    message(data, isBinary) {
      const sinceMs = monotonicMs()
      to.message(data, isBinary)
      brake.spend({ messages: 1, bytes: data.length, sinceMs })
    },
    close(end) {
      brake.stop()
      to.close?.(end)
    },
  })
}
