import { MAX_TIMER_MS } from '../util/sleep'
import { overflowed } from '../metrics/bounds'

/** At most this many feeds are waited for at once. For others errors are served without a wait. */
const MAX_FEEDS = 50_000

/**
 * How long an error of one source is held back while another source of the feed has sent nothing yet (contract 18.5). Timers end the wait,
 * and not a look at the clock.
 */
export class Patience {
  private readonly timers = new Map<string, NodeJS.Timeout>()
  private isStopped = false

  /**
   * @param lastsMs - how long a feed is waited for, from its first request to a provider
   * @param onOver - called for every feed whose wait has ended without a value
   */
  constructor(
    private readonly lastsMs: number,
    private readonly onOver: (key: string) => void,
  ) {}

  /**
   * Begins the wait for a feed, if it has not begun.
   *
   * @param spentMs - how much of the wait is already over
   * @returns false where nothing of it is left
   */
  begin(key: string, spentMs = 0): boolean {
    if (this.timers.has(key)) return true
    const leftMs = Math.min(this.lastsMs - spentMs, MAX_TIMER_MS)
    if (!(leftMs > 0) || this.isStopped) return false
    if (this.timers.size >= MAX_FEEDS) {
      overflowed('composite_feeds')
      return false
    }
    const timer = setTimeout(() => {
      this.timers.delete(key)
      this.onOver(key)
    }, leftMs)
    this.timers.set(key, timer)
    // With fake clocks a timer may be a plain number.
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
