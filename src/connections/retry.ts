import { type Backoff } from '../util/backoff'
import { Gate } from '../util/gate'

/** In milliseconds; undefined gives up. */
export interface Delay {
  delayMs: number | undefined
}

/**
 * How long to wait before the next attempt, by how the last one ended, and the rule after that. A value: a {@link Backoff} is one that
 * goes by the number of attempts alone.
 */
export interface RetryRule<End, Step extends Delay = { delayMs: number }> {
  next(end: End): Step & { next: RetryRule<End, Step> }
}

/** A rule that is made when it is first needed, from how the first attempt ended. */
export const lazyRule = <End, Step extends Delay>(
  make: (end: End) => RetryRule<End, Step>,
): RetryRule<End, Step> => ({ next: (end) => make(end).next(end) })

/** Tries again at once after the first failure; the back-off begins with the second one. */
export const atOnceThen = (backoff: Backoff): RetryRule<void> => ({
  next: () => ({ delayMs: 0, next: backoff }),
})

/** What ended: a connection, or a process. */
export interface Life {
  livedMs: number
  /** Whether it brought anything. Default true. */
  wasUsed?: boolean
}

/** A connection that brought values for this long was useful. */
const USEFUL_LIFE_MS = 1_000

/**
 * Begins anew after a useful life: one that brought something, and lasted. Opening alone is not useful, or what closes each time at once
 * would be opened again ever as fast (CN-5).
 *
 * @param of.rested - the delays from a useful life on. Default: as from the start
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
 * When something may be tried again: where its rule stands, and a gate that is closed until then. Timers open it, so that a clock that
 * stands still prolongs nothing. It starts open.
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
   * It has failed or ended: begins the next wait, or gives up. A wait that is going on starts over.
   *
   * @param onDue - called when the time has come; not after `stop()`
   */
  again(end: End, onDue?: () => void): Step {
    const step = this.rule.next(end)
    this.rule = step.next
    if (step.delayMs !== undefined) this.gate.close(step.delayMs, onDue)
    return step
  }

  /** The same, and resolves when the time has come. The signal and `stop()` end the wait early. */
  async pause(end: End, signal?: AbortSignal): Promise<void> {
    this.again(end)
    const endEarly = (): void => this.now()
    if (signal?.aborted) endEarly()
    signal?.addEventListener('abort', endEarly)
    await this.gate.wait()
    signal?.removeEventListener('abort', endEarly)
  }

  /** Whether it is time, now or within `limitMs`. */
  isDueWithin(limitMs: number): Promise<boolean> {
    return this.gate.wait(limitMs)
  }

  /** It is time, whatever was to be waited for. */
  now(): void {
    this.gate.open()
  }

  /** Something useful came: the next end is the first one, by this rule or another. A wait goes on. */
  reset(rule: RetryRule<End, Step> = this.start): void {
    this.rule = rule
  }

  /** No timer is left, and whoever waits is turned away. */
  stop(): void {
    this.gate.stop()
  }
}
