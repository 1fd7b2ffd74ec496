import { type AxiosResponse } from 'axios'
import { deferredPromise } from '../util/sleep'
import { type Reason } from '../validation/reason'
import { type RequestTimestamps } from './provider-error'

export interface RequesterResult<T> {
  response: AxiosResponse<T>
  timestamps: RequestTimestamps
}

/** A request from the first call for it until its outcome: queued, in flight, or between two attempts. */
export class PendingRequest {
  /** Why the last attempt had no answer, until the next one. */
  trouble: Reason | undefined
  /** What it waits for, while no request to its host is sent. */
  waitsFor: { readonly reason: Reason | undefined } | undefined
  hasLeftQueue = false
  readonly sinceUnixMs = Date.now()
  /** All callers that ask for the same share this. */
  outcome!: Promise<RequesterResult<unknown>>
  /** Resolves when the request has left the queue: it had its turn, waits for its host, or was cancelled. */
  readonly left: Promise<void>
  private readonly leave: () => void
  private readonly aborting = new AbortController()

  constructor() {
    const [left, leave] = deferredPromise<void>()
    this.left = left
    this.leave = () => leave()
  }

  get signal(): AbortSignal {
    return this.aborting.signal
  }

  markLeft(): void {
    this.hasLeftQueue = true
    this.leave()
  }

  cancel(): void {
    this.aborting.abort(new Error('The request was cancelled: its adapter has stopped'))
    this.leave()
  }
}
