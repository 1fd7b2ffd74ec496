import { monotonicMs } from './clock'

/** A loop that has not beaten within its time. */
export interface LateLoop {
  /** What it is, such as `execute loop of TEST, endpoint price, transport ws`. */
  loop: string
  /** When it beat last. */
  sinceUnixMs: number
  /** How long it may be silent, in ms. */
  withinMs: number
}

/** One loop that reports that it goes on. */
export class Heart {
  private beatMs = monotonicMs()

  constructor(
    private readonly loop: string,
    private readonly withinMs: number,
    private readonly of: { isExcused?: () => boolean; onStop: (heart: Heart) => void },
  ) {}

  beat(): void {
    this.beatMs = monotonicMs()
  }

  /** The loop has ended as it should. */
  stop(): void {
    this.of.onStop(this)
  }

  /** What is said of it when it is late; undefined while it is not. */
  look(now: number): LateLoop | undefined {
    const silentMs = now - this.beatMs
    if (silentMs <= this.withinMs || this.of.isExcused?.() === true) return undefined
    const { loop, withinMs } = this
    return { loop, sinceUnixMs: Math.round(Date.now() - silentMs), withinMs }
  }
}

/**
 * The loops that must go on for as long as something runs (LC-1). Each beats when it has gone round once. It has no timers: who is late is
 * found by looking, by the monotonic clock.
 */
export class Heartbeats {
  private readonly hearts = new Set<Heart>()

  /**
   * Begins to expect beats of a loop. Its beginning counts as the first one.
   *
   * @param withinMs - how long it may be silent
   * @param isExcused - whether it is silent with reason now, however long that lasts
   */
  add(loop: string, withinMs: number, isExcused?: () => boolean): Heart {
    const onStop = (one: Heart) => void this.hearts.delete(one)
    const heart = new Heart(loop, withinMs, { onStop, ...(isExcused && { isExcused }) })
    this.hearts.add(heart)
    return heart
  }

  get size(): number {
    return this.hearts.size
  }

  /** The loops that are late now. */
  late(): LateLoop[] {
    const now = monotonicMs()
    return [...this.hearts].flatMap((heart) => heart.look(now) ?? [])
  }
}
