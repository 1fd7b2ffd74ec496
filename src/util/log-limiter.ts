import { monotonicMs } from './clock'

/** What a line may say of a problem that goes on. */
export interface Lasting {
  /** The number of occurrences that were left out since the last line. */
  repeated: number
  /** How long the problem has lasted, in ms: since its first occurrence after the last {@link LogLimiter.over}. */
  lastedMs: number
}

interface Occurrence {
  /** When the first line of the interval was logged. */
  loggedAt: number
  logged: number
  suppressed: number
  /** When the problem began that goes on; undefined when it is over. */
  beganAt: number | undefined
  /** Whether a line was logged since then. */
  isTold: boolean
}

/** The key of all occurrences for which there is no room for a key of their own. */
const OVERFLOW_KEY = 'other'

/** A problem that is over sooner was a hitch: nothing is said of its end. */
export const NOTABLE_MS = 5_000

/**
 * Limits what a lasting fault can log: the first occurrence at once, then at most so many lines per key and interval, with
 * the number of those left out (invariant OB-4), and one when it is over, for who tells of that. It has no timers.
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
   * @returns whether it was called
   */
  run(key: string, log: (repeated: number, lasting: Lasting) => void): boolean {
    const now = monotonicMs()
    const slot = this.slotFor(key, now)
    const seen = this.occurrences.get(slot)
    if (seen === undefined) {
      this.occurrences.set(slot, { loggedAt: now, logged: 1, suppressed: 0, beganAt: now, isTold: true })
      log(0, { repeated: 0, lastedMs: 0 })
      return true
    }
    seen.beganAt ??= now
    if (this.tell(seen, now, log)) return true
    seen.suppressed += 1
    return false
  }

  /** The problem goes on, without having occurred again: logs it if a line is due. */
  lasts(key: string, log: (lasting: Lasting) => void): void {
    const seen = this.occurrences.get(key)
    if (seen?.beganAt === undefined) return
    this.tell(seen, monotonicMs(), (_, lasting) => log(lasting))
  }

  /**
   * The problem is over, until it occurs again.
   *
   * @param log - writes a line; not called for a hitch, nor for a problem of which nothing was said
   * @returns whether it was called
   */
  over(key: string, log: (lasting: Lasting) => void = () => {}): boolean {
    const seen = this.occurrences.get(key)
    if (seen?.beganAt === undefined) return false
    const { beganAt, isTold, suppressed: repeated } = seen
    const lastedMs = monotonicMs() - beganAt
    seen.beganAt = undefined
    seen.isTold = false
    if (!isTold || lastedMs < NOTABLE_MS) return false
    // Whatever begins from now on is another problem. Only of what comes and goes in seconds there is one line in an interval.
    seen.loggedAt = monotonicMs() - Math.max(0, this.intervalMs - NOTABLE_MS)
    seen.suppressed = 0
    log({ repeated, lastedMs })
    return true
  }

  /** Whether the problem goes on. */
  has(key: string): boolean {
    return this.occurrences.get(key)?.beganAt !== undefined
  }

  /** Logs the next line of a problem that is known, if one is due. One that is no hitch is told of, even if there was another just before. */
  private tell(seen: Occurrence, now: number, log: (repeated: number, lasting: Lasting) => void): boolean {
    const lastedMs = now - (seen.beganAt ?? now)
    const begins = this.isOver(seen, now) || (!seen.isTold && lastedMs >= NOTABLE_MS)
    if (!begins && seen.logged >= this.perInterval) return false
    const repeated = begins ? seen.suppressed : 0
    if (begins) Object.assign(seen, { loggedAt: now, logged: 1, suppressed: 0 })
    else seen.logged += 1
    seen.isTold = true
    log(repeated, { repeated, lastedMs })
    return true
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
