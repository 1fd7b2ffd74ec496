import { pauseFor } from '../util/retry-after'
import { MAX_TIMER_MS } from '../util/sleep'
import { AdapterRateLimitError } from '../validation/errors'
import { monotonicMs } from '../util/clock'

/** A request waits up to this long for a pause to end; if the pause lasts longer, the request is refused at once. */
export const LONGEST_WAIT_MS = 30_000

/** Admission of one request. */
export interface Ticket {
  readonly isTicket: true
}

interface Waiter {
  admit: () => void
  refuse: (error: Error) => void
}

/**
 * The pause that a provider asked for with `Retry-After` (RL-1). Nothing is sent until it is over. Then one request is sent alone; its
 * answer lets the others go or begins another pause. A timer ends the pause, so a clock that stands still does not prolong it.
 */
export class ProviderPause {
  private state: 'open' | 'closed' | 'armed' | 'probing' = 'open'
  private readonly waiters = new Set<Waiter>()
  private probe: Ticket | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  /** By the monotonic clock. */
  private endsAtMs = 0

  /** @param maxWaiters - how many may wait; when one more comes, the one that has waited longest is refused */
  constructor(
    private readonly maxWaiters: number,
    private readonly overflow: () => Error,
  ) {}

  get isIdle(): boolean {
    return this.state === 'open' && this.waiters.size === 0
  }

  /** When the pause is over, in Unix ms; undefined outside of one. */
  get endUnixMs(): number | undefined {
    return this.state === 'closed' ? Date.now() + this.remainingMs() : undefined
  }

  /** Nothing is sent for `delayMs`, and a little longer. */
  begin(delayMs: number): void {
    const withJitterMs = pauseFor(delayMs)
    if (this.state === 'closed' && this.remainingMs() >= withJitterMs) return
    this.state = 'closed'
    this.probe = undefined
    this.endsAtMs = monotonicMs() + withJitterMs
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.arm(), Math.min(withJitterMs, MAX_TIMER_MS))
    if (withJitterMs <= LONGEST_WAIT_MS) return
    for (const waiter of [...this.waiters]) waiter.refuse(this.refusal())
  }

  /**
   * Resolves when a request may go out.
   *
   * @throws AdapterRateLimitError when that would take too long
   */
  async enter(signal: AbortSignal): Promise<Ticket> {
    const ticket: Ticket = { isTicket: true }
    while (this.state !== 'open') {
      if (this.state === 'armed') {
        this.state = 'probing'
        this.probe = ticket
        return ticket
      }
      if (this.state === 'closed' && this.remainingMs() > LONGEST_WAIT_MS) throw this.refusal()
      await this.wait(signal)
    }
    return ticket
  }

  /** Whether a request that was admitted may still be sent: a pause may have begun while it waited for its turn. */
  admits(ticket: Ticket): boolean {
    return this.state === 'open' || ticket === this.probe
  }

  /** The request has ended, with or without an answer, and the provider asked for no pause. */
  passed(ticket: Ticket): void {
    if (ticket !== this.probe) return
    this.probe = undefined
    this.state = 'open'
    for (const waiter of [...this.waiters]) waiter.admit()
  }

  /** A request that was admitted is not sent. Another one may be sent instead. */
  abandoned(ticket: Ticket): void {
    if (ticket !== this.probe) return
    this.probe = undefined
    this.arm()
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  private arm(): void {
    this.state = 'armed'
    const [next] = this.waiters
    next?.admit()
  }

  /** How long it still lasts, in ms; 0 outside of one. */
  remainingMs(): number {
    return Math.max(0, this.endsAtMs - monotonicMs())
  }

  private refusal(): AdapterRateLimitError {
    const until = new Date(Date.now() + this.remainingMs()).toISOString()
    return new AdapterRateLimitError({
      statusCode: 429,
      message: `The data provider asked not to be requested before ${until}`,
      msUntilNextExecution: this.remainingMs(),
    })
  }

  private wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        this.waiters.delete(waiter)
        signal.removeEventListener('abort', leave)
        outcome()
      }
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the signal's own reason
      const leave = (): void => settle(() => reject(signal.reason))
      const waiter: Waiter = {
        admit: () => settle(resolve),
        refuse: (error) => settle(() => reject(error)),
      }
      if (signal.aborted) return leave()
      signal.addEventListener('abort', leave)
      this.waiters.add(waiter)
      const [oldest] = this.waiters
      if (this.waiters.size > this.maxWaiters) oldest?.refuse(this.overflow())
    })
  }
}
