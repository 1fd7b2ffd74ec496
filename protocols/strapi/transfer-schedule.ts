import { exponentialBackoff, fullAbove } from '../../src/util/backoff'
import { Gate } from '../../src/util/gate'
import { TransferError } from './errors'

/** A transfer is heavy for the server (spec 12.2): no schedule is faster than this, in ms. */
export const MIN_INTERVAL_MS = 60_000
/** Between the end of one transfer and the beginning of the next, in ms, whoever asks for it. */
export const MIN_PAUSE_MS = 5_000
/** What only a change of configuration can end is tried again no faster than this, in ms. */
const MIN_CONFIGURATION_MS = 300_000
const MIN_BACKOFF_MS = 10_000

/**
 * How long to wait after a pull, in ms (spec 10). Busy servers and lost connections are tried again with a growing delay, no longer
 * than the interval; all else at the interval, or slower.
 *
 * @param failures - in a row, the last one included
 */
export const delayAfter = (
  outcome: TransferError | undefined,
  failures: number,
  intervalMs: number,
  random?: () => number,
): number => {
  if (outcome?.kind === 'configuration') return Math.max(intervalMs, MIN_CONFIGURATION_MS)
  if (outcome?.kind !== 'transport') return intervalMs
  const maxMs = Math.max(intervalMs, MIN_BACKOFF_MS)
  const jitter = fullAbove(MIN_BACKOFF_MS / 2)
  let backoff = exponentialBackoff({ minMs: MIN_BACKOFF_MS, maxMs, factor: 2, jitter, random })
  for (let failure = 1; failure < Math.min(failures, 20); failure++) backoff = backoff.next().next
  return backoff.next().delayMs
}

/**
 * - `idle`: nothing to do, because nobody wants anything
 * - `pulling`: one transfer is in progress, or waits for its turn with the server
 * - `waiting`: for the interval, or the delay after a failure
 */
export type ScheduleState = 'idle' | 'pulling' | 'waiting' | 'stopped'

export interface ScheduleOptions {
  /** One pull. Ends soon after its signal aborts. */
  pull: (signal: AbortSignal) => Promise<void>
  /** In ms, before the next one. */
  delayAfter: (error: TransferError | undefined, failures: number) => number
}

/** Runs transfers, pulls or pushes, one after the other: at an interval while something is wanted, and when it is triggered. Timers alone end its waits. */
export class TransferSchedule {
  /** Failed pulls in a row. */
  failures = 0
  lastError: TransferError | undefined
  lastErrorAtUnixMs = 0
  nextAttemptUnixMs: number | undefined
  private now: ScheduleState = 'idle'
  private isWanted = false
  private isTriggered = false
  private readonly interval = new Gate()
  private readonly pause = new Gate()
  private readonly stopping = new AbortController()
  private running: Promise<void> = Promise.resolve()

  constructor(private readonly options: ScheduleOptions) {}

  get state(): ScheduleState {
    return this.now
  }

  /** Says whether anybody wants what a pull brings. Not wanted, the schedule rests after its present wait. */
  want(isWanted: boolean): void {
    this.isWanted = isWanted
    if (isWanted && this.now === 'idle') this.run()
  }

  /** Asks for a pull before its time: now, or when the one in progress and the shortest pause after it are over. */
  trigger(): void {
    if (this.now === 'stopped') return
    this.isTriggered = true
    if (this.now !== 'pulling' && !this.pause.isClosed) this.run()
  }

  /** Ends the pull in progress; resolves when it is over and no timer is left. */
  async stop(): Promise<void> {
    this.now = 'stopped'
    this.interval.stop()
    this.pause.stop()
    this.stopping.abort()
    await this.running
  }

  private run(): void {
    this.now = 'pulling'
    this.isTriggered = false
    this.nextAttemptUnixMs = undefined
    this.running = this.options.pull(this.stopping.signal).then(
      () => this.ended(undefined),
      (error: unknown) => this.ended(asTransferError(error)),
    )
  }

  private ended(error: TransferError | undefined): void {
    if (this.now === 'stopped') return
    this.failures = error === undefined ? 0 : this.failures + 1
    this.lastError = error
    this.lastErrorAtUnixMs = error === undefined ? 0 : Date.now()
    const delayMs = Math.max(this.options.delayAfter(error, this.failures), MIN_PAUSE_MS)
    this.now = 'waiting'
    this.nextAttemptUnixMs = Math.round(Date.now() + delayMs)
    this.interval.close(delayMs, () => this.due())
    this.pause.close(MIN_PAUSE_MS, () => {
      if (this.isTriggered && this.now !== 'pulling') this.run()
    })
  }

  private due(): void {
    if (this.now !== 'waiting') return
    this.nextAttemptUnixMs = undefined
    this.now = 'idle'
    if (this.isWanted) this.run()
  }
}

/** Anything else that ends a pull is a defect, and is named as one. */
const asTransferError = (error: unknown): TransferError =>
  error instanceof TransferError
    ? error
    : new TransferError('answer-unexpected', 'A transfer ended by a defect', { cause: error })
