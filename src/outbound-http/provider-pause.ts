import { exponentialBackoff } from '../util/backoff'
import { monotonicMs } from '../util/clock'
import { pauseFor } from '../util/retry-after'
import { AdapterRateLimitError } from '../validation/errors'
import { classOf, type Reason } from '../validation/reason'
import { FailingKeys } from './failing-keys'
import { describeFailure, neverSent } from './provider-error'
import { WaitingRoom } from './waiting-room'

/** A request waits up to this long in all; if it would have to wait longer, it is refused at once. */
export const LONGEST_WAIT_MS = 30_000

/** So many failures in a row open the breaker, and so many successes close it. */
export const BREAKER_STREAK = 5

/** Between the probes of a host that fails. Short enough for values to be back soon after the host is. */
const BETWEEN_PROBES = exponentialBackoff({ minMs: 1_000, maxMs: 10_000, factor: 2 })

const ASKED = 'The data provider asked for a pause'
const FAILING =
  'The requests to this host of the data provider have failed one after another: single ones are sent until one succeeds'

/** Admission of one request. */
export interface Ticket {
  readonly key: string
  /** How many pauses there had been when it was admitted. */
  era: number
}

export interface PauseOptions {
  /** How many may wait; when one more comes, the one that has waited longest is refused. */
  maxWaiters: number
  /** The error of that one, where the provider asked for the pause. */
  overflow: () => Error
  /** Called when the breaker opens or closes. Without it there is no breaker: failures then count for nothing. */
  onBreaker?: (isOpen: boolean) => void
}

/**
 * The pauses in the requests to one host: the provider asked for one with `Retry-After` (RL-1), or the requests have failed one after
 * another (RL-4, the circuit breaker). Nothing is sent until it is over. Then one request is sent alone. After a pause that was asked for,
 * its answer lets the others go; after failures one more may be in flight with each success, until there were as many as there had been
 * failures. A further failure begins the next pause, which is longer, unless there were more successes. A timer ends a pause, so a clock
 * that stands still does not prolong it.
 */
export class ProviderPause {
  private state: 'open' | 'closed' | 'trial' = 'open'
  private cause: 'asked' | 'failing' = 'asked'
  private readonly room: WaitingRoom<Ticket>
  private readonly keys = new FailingKeys()
  private readonly probes = new Set<Ticket>()
  private era = 0
  /** Failures in a row, or in the trial. */
  private failures = 0
  /** In the trial. */
  private successes = 0
  private neededSuccesses = 1
  private backoff = BETWEEN_PROBES
  private isBroken = false
  private sinceUnixMs = 0
  private lastFailure: ReturnType<typeof describeFailure> | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  /** By the monotonic clock. */
  private endsAtMs = 0

  constructor(private readonly options: PauseOptions) {
    const overflow = (): Error => (this.cause === 'failing' ? this.refusal() : options.overflow())
    this.room = new WaitingRoom(options.maxWaiters, overflow)
  }

  /** Why requests wait, since when that is so, and when the next one is sent; undefined where they go out. */
  get reason(): Reason | undefined {
    const { state, cause, sinceUnixMs } = this
    if (state === 'open') return undefined
    const what = cause === 'asked' ? ({ code: 'RATE_LIMITED', message: ASKED } as const) : this.failing
    const nextAttemptUnixMs = Math.round(Date.now() + this.remainingMs())
    return { ...what, sinceUnixMs, ...(state === 'closed' ? { nextAttemptUnixMs } : {}) }
  }

  /** That the host fails, with how the last request to it failed, whose class it has (ER-1). */
  private get failing(): Pick<Reason, 'code' | 'message' | 'class'> {
    const { lastFailure } = this
    if (lastFailure === undefined) return { code: 'HOST_FAILING', message: FAILING }
    const message = `${FAILING}. The last failure: ${lastFailure.message}`
    return { code: 'HOST_FAILING', class: classOf(lastFailure), message }
  }

  /** Whether nothing is known of the host that a new one would not begin with. */
  get isIdle(): boolean {
    return this.state === 'open' && this.failures === 0
  }

  /** How long it still lasts, in ms; 0 outside of one. */
  remainingMs(): number {
    return Math.max(0, this.endsAtMs - monotonicMs())
  }

  /** The provider asks for a pause: nothing is sent for `delayMs`, and a little longer. */
  begin(delayMs: number): void {
    this.close('asked', pauseFor(delayMs))
  }

  /**
   * Resolves when a request may go out.
   *
   * @throws AdapterRateLimitError or, where the host fails, AdapterConnectionError when that would take too long
   */
  async enter(key: string, signal: AbortSignal): Promise<Ticket> {
    const ticket: Ticket = { key, era: this.era }
    if (this.state === 'open') return ticket
    if (this.hasRoom) this.probes.add(ticket)
    else if (this.state === 'closed' && this.remainingMs() > LONGEST_WAIT_MS) throw this.refusal()
    else await this.room.wait(ticket, signal)
    return ticket
  }

  /** Whether a request that was admitted may still be sent: a pause may have begun while it waited for its turn. */
  admits(ticket: Ticket): boolean {
    if (this.state !== 'open') return this.probes.has(ticket)
    ticket.era = this.era
    return true
  }

  /** The request was answered, or failed for a cause that says nothing about the host. */
  passed(ticket: Ticket): void {
    this.keys.succeeded(ticket.key)
    // What was sent before the pause and is answered now shows that the host is there.
    if (this.state === 'closed') return this.cause === 'failing' ? this.tryOut() : undefined
    if (ticket.era !== this.era) return
    this.probes.delete(ticket)
    if (this.state === 'open') this.failures = 0
    else if (++this.successes >= this.neededSuccesses) this.open()
    else this.admitProbes()
  }

  /** The request failed as it does when the host fails. */
  failed(ticket: Ticket, error?: unknown): void {
    if (this.options.onBreaker === undefined) return this.passed(ticket)
    const isItsOwnFault = this.keys.failed(ticket.key)
    if (!isItsOwnFault && error !== undefined) this.lastFailure = describeFailure(error)
    if (ticket.era !== this.era) return
    this.probes.delete(ticket)
    if (!isItsOwnFault) this.failures += 1
    if (this.state === 'open' && this.failures === 1) this.sinceUnixMs = Date.now()
    if (this.failures > (this.state === 'open' ? BREAKER_STREAK - 1 : this.successes)) this.break()
    else this.admitProbes()
  }

  /** A request that was admitted is not sent. Another one may be sent instead. */
  abandoned(ticket: Ticket): void {
    if (this.probes.delete(ticket)) this.admitProbes()
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  private break(): void {
    const { delayMs, next } = this.backoff.next()
    this.backoff = next
    this.neededSuccesses = BREAKER_STREAK
    this.close('failing', delayMs)
    if (!this.isBroken) this.options.onBreaker?.(true)
    this.isBroken = true
  }

  private close(cause: 'asked' | 'failing', delayMs: number): void {
    if (this.state === 'closed' && this.remainingMs() >= delayMs) return
    if (this.state === 'open' && cause === 'asked') this.sinceUnixMs = Date.now()
    this.state = 'closed'
    this.cause = cause
    this.era += 1
    this.failures = this.successes = 0
    this.probes.clear()
    this.endsAtMs = monotonicMs() + delayMs
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.tryOut(), delayMs)
    this.room.refuseLate(delayMs, LONGEST_WAIT_MS, () => this.refusal())
  }

  /** The pause is over. */
  private tryOut(): void {
    clearTimeout(this.timer)
    this.state = 'trial'
    this.admitProbes()
  }

  private get hasRoom(): boolean {
    return this.state === 'trial' && this.probes.size <= this.successes
  }

  private admitProbes(): void {
    while (this.hasRoom) {
      const ticket = this.room.admitFirst()
      if (ticket === undefined) return
      ticket.era = this.era
      this.probes.add(ticket)
    }
  }

  private open(): void {
    this.state = 'open'
    this.lastFailure = undefined
    this.failures = 0
    this.neededSuccesses = 1
    this.backoff = BETWEEN_PROBES
    if (this.isBroken) this.options.onBreaker?.(false)
    this.isBroken = false
    while (this.room.admitFirst() !== undefined);
  }

  private refusal(): Error {
    if (this.cause === 'failing') return neverSent(this.failing.message, this.reason)
    const until = new Date(Date.now() + this.remainingMs()).toISOString()
    return new AdapterRateLimitError({
      statusCode: 429,
      message: `The data provider asked not to be requested before ${until}`,
      msUntilNextExecution: this.remainingMs(),
    })
  }
}
