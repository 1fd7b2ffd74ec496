import { monotonicMs } from './clock'

interface Occurrence {
  /** When the first line of the interval was logged. */
  loggedAt: number
  logged: number
  suppressed: number
}

/** The key of all occurrences for which there is no room for a key of their own. */
const OVERFLOW_KEY = 'other'

/**
 * Limits what a lasting fault can log: the first occurrence at once, then at most so many lines per key and interval, with
 * the number of those left out (invariant OB-4). It has no timers: after a fault has ended, nothing more is logged.
 */
export class LogLimiter {
  private readonly occurrences = new Map<string, Occurrence>()

  /**
   * @param intervalMs - in milliseconds, from the first line of a key on
   * @param maxKeys - keys kept apart; further ones count as one
   * @param perInterval - lines of one key in an interval
   */
  constructor(
    private readonly intervalMs = 60_000,
    private readonly maxKeys = 100,
    private readonly perInterval = 1,
  ) {}

  /**
   * Logs the occurrence, or only counts it.
   *
   * @param log - writes the line; gets the number of occurrences left out since the last one
   */
  run(key: string, log: (repeated: number) => void): void {
    const now = monotonicMs()
    const slot = this.slotFor(key, now)
    const seen = this.occurrences.get(slot)
    if (!seen) {
      this.occurrences.set(slot, { loggedAt: now, logged: 1, suppressed: 0 })
      log(0)
    } else if (this.isOver(seen, now)) {
      const { suppressed } = seen
      this.occurrences.set(slot, { loggedAt: now, logged: 1, suppressed: 0 })
      log(suppressed)
    } else if (seen.logged < this.perInterval) {
      seen.logged += 1
      log(0)
    } else {
      seen.suppressed += 1
    }
  }

  private slotFor(key: string, now: number): string {
    if (this.occurrences.has(key) || this.occurrences.size < this.maxKeys) return key
    // Keys whose interval is over and that have nothing left to report make room for new ones.
    for (const [known, seen] of this.occurrences) {
      if (seen.suppressed === 0 && this.isOver(seen, now)) this.occurrences.delete(known)
    }
    return this.occurrences.size < this.maxKeys ? key : OVERFLOW_KEY
  }

  private isOver(seen: Occurrence, now: number): boolean {
    return now - seen.loggedAt >= this.intervalMs
  }
}
