import { type Backoff } from '../util/backoff'
import { Gate } from '../util/gate'

/** A delay in milliseconds; undefined means to give up. */
export interface Delay {
  delayMs: number | undefined
}

/**
 * Gives the wait before the next attempt, from how the last one ended, and the rule for the end after that. A rule is an immutable value. A
 * {@link Backoff} is a rule that depends only on the number of attempts.
 */
export interface RetryRule<End, Step extends Delay = { delayMs: number }> {
  next(end: End): Step & { next: RetryRule<End, Step> }
}

/** A rule that is made when it is first needed, from how the first attempt ended. */
export const lazyRule = <End, Step extends Delay>(
  make: (end: End) => RetryRule<End, Step>,
): RetryRule<End, Step> => ({ next: (end) => make(end).next(end) })

/** Tries again at once after the first failure; the back-off begins with the second failure. */
export const atOnceThen = (backoff: Backoff): RetryRule<void> => ({
  next: () => ({ delayMs: 0, next: backoff }),
})

/** The life of something that ended: a connection or a process. */
export interface Life {
  livedMs: number
  /** Whether it gave any result, such as values. Default true. */
  wasUsed?: boolean
}

/** A connection that lived at least this long and brought values was useful. */
const USEFUL_LIFE_MS = 1_000

/**
 * Starts the back-off again after a useful life, which means one that gave a result and lasted. A mere opening is not useful: otherwise a
 * peer that closes each connection at once would be dialled again without a growing delay (CN-5).
 *
 * @param of.rested - the delays after a useful life. Default: those of `start`
 */
export const afterLives = (
  start: Backoff,
  of: { usefulLifeMs?: number; rested?: Backoff } = {},
): RetryRule<Life> => {
  const { usefulLifeMs = USEFUL_LIFE_MS, rested = start } = of
  const rule = (backoff: Backoff): RetryRule<Life> => ({
    next({ livedMs, wasUsed = true }) {
      const { delayMs, next } = (wasUsed && livedMs >= usefulLifeMs ? rested : backoff).next()
      return { delayMs, next: rule(next) }
    },
  })
  return rule(start)
}

/**
 * Decides when something may be tried again: it has the current rule, and a gate that is closed until then. Timers open the gate, not a
 * comparison of times, so that a stopped clock does not make the wait longer. The gate is open at first.
 *
 * @example
 * const retry = new Retry(exponentialBackoff({ minMs: 100, maxMs: 5_000, factor: 2 }))
 * retry.again(undefined, () => connect()) // after each failure
 * retry.reset() // when something useful came
 */
export class Retry<End = void, Step extends Delay = { delayMs: number }> {
  private readonly gate = new Gate()
  private rule: RetryRule<End, Step>

  constructor(private readonly start: RetryRule<End, Step>) {
    this.rule = start
  }

  /** Whether it is too early to try again. */
  get isWaiting(): boolean {
    return this.gate.isClosed
  }

  /**
   * Call it after a failure or an end: it begins the next wait, or gives up. A wait that is running starts over.
   *
   * @param onDue - called when the wait is over; not after `stop()`
   */
  again(end: End, onDue?: () => void): Step {
    const step = this.rule.next(end)
    this.rule = step.next
    if (step.delayMs !== undefined) this.gate.close(step.delayMs, onDue)
    return step
  }

  /** Like {@link again}, and resolves when the wait is over. The signal and `stop()` end the wait early. */
  async pause(end: End, signal?: AbortSignal): Promise<void> {
    this.again(end)
    const endEarly = (): void => this.now()
    if (signal?.aborted) endEarly()
    signal?.addEventListener('abort', endEarly)
    await this.gate.wait()
    signal?.removeEventListener('abort', endEarly)
  }

  /** Whether the wait is over, now or within `limitMs`. */
  isDueWithin(limitMs: number): Promise<boolean> {
    return this.gate.wait(limitMs)
  }

  /** Ends the wait at once. */
  now(): void {
    this.gate.open()
  }

  /**
   * Call it when something useful came: the next end counts as the first one, by the given rule or by that of the start. A running wait
   * goes on.
   */
  reset(rule: RetryRule<End, Step> = this.start): void {
    this.rule = rule
  }

  /** Stops for good: no timer is left, and every running wait ends. {@link isDueWithin} then resolves with false. */
  stop(): void {
    this.gate.stop()
  }
}
