import { type AxiosResponse } from 'axios'
import { deferredPromise } from '../util/sleep'
import { type Reason } from '../validation/reason'
import { type RequestTimestamps } from './provider-error'

export interface RequesterResult<T> {
  response: AxiosResponse<T>
  timestamps: RequestTimestamps
}

/** What a request ends with when nobody wants its answer any more. Without a message it has not been sent. */
export class UnwantedError extends Error {
  override name = 'UnwantedError'

  constructor(message = 'The request was not sent: nobody wants its answer any more') {
    super(message)
  }
}

/** A request from the first call for it until its outcome: queued, in flight, or between two attempts. */
export class PendingRequest {
  /** Why the last attempt had no answer, until the next one. */
  trouble: Reason | undefined
  /** What it waits for, while no request to its host is sent. */
  waitsFor: { readonly reason: Reason | undefined } | undefined
  hasLeftQueue = false
  isInFlight = false
  renewsCredential = false
  onTrouble: (() => void) | undefined
  readonly sinceUnixMs = Date.now()
  /** All callers that ask for the same share this. */
  outcome!: Promise<RequesterResult<unknown>>
  /** Resolves when the request has left the queue: it had its turn, waits for its host, or was cancelled. */
  readonly left: Promise<void>
  private readonly leave: () => void
  private readonly wantedBy = new Set<() => boolean>()
  private isAlwaysWanted = false
  private readonly aborting = new AbortController()

  constructor() {
    const [left, leave] = deferredPromise<void>()
    this.left = left
    this.leave = () => leave()
  }

  get signal(): AbortSignal {
    return this.aborting.signal
  }

  /** One more call for it. @param isWanted - whether the caller still wants the answer; a caller that gives none always does */
  joinedBy(isWanted: (() => boolean) | undefined): void {
    if (isWanted === undefined) this.isAlwaysWanted = true
    else this.wantedBy.add(isWanted)
  }

  /** Whether one of its callers still wants the answer (RL-5). */
  get isWanted(): boolean {
    return this.isAlwaysWanted || [...this.wantedBy].some((isWanted) => isWanted())
  }

  /** Nobody wants it any more, and it has not been sent. */
  drop(): void {
    this.aborting.abort(new UnwantedError())
  }

  markLeft(): void {
    this.hasLeftQueue = true
    this.leave()
  }

  cancel(): void {
    this.aborting.abort(new UnwantedError('The request was cancelled: its adapter has stopped'))
    this.leave()
  }
}
