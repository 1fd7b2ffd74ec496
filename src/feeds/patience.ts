import { MAX_TIMER_MS } from '../util/sleep'

/** Feeds waited for at most; of more, errors are told at once. */
const MAX_FEEDS = 50_000

/**
 * For how long an error of one source is no answer yet, because another source of the feed has said nothing so far (contract 18.5). Ended by
 * timers, not by looking at the clock.
 */
export class Patience {
  private readonly timers = new Map<string, NodeJS.Timeout>()
  private isStopped = false

  /**
   * @param lastsMs - from when a feed is first asked for
   * @param onOver - called for every feed whose time is up
   */
  constructor(
    private readonly lastsMs: number,
    private readonly onOver: (key: string) => void,
  ) {}

  /**
   * Begins the time of a feed, unless it has begun.
   *
   * @param spentMs - how much of it has gone by already
   * @returns false when there is none left
   */
  begin(key: string, spentMs = 0): boolean {
    if (this.timers.has(key)) return true
    const leftMs = Math.min(this.lastsMs - spentMs, MAX_TIMER_MS)
    if (!(leftMs > 0) || this.isStopped || this.timers.size >= MAX_FEEDS) return false
    const timer = setTimeout(() => {
      this.timers.delete(key)
      this.onOver(key)
    }, leftMs)
    this.timers.set(key, timer)
    // Fake clocks have timers that are plain numbers.
    const loose: Partial<Pick<NodeJS.Timeout, 'unref'>> = timer
    loose.unref?.()
    return true
  }

  /** The feed has its first value. */
  end(key: string): void {
    clearTimeout(this.timers.get(key))
    this.timers.delete(key)
  }

  stop(): void {
    this.isStopped = true
    for (const key of this.timers.keys()) this.end(key)
  }
}
