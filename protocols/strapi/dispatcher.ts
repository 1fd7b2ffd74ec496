import { randomUUID } from 'node:crypto'
import { MAX_TIMER_MS } from '../../src/util/sleep'
import { type SendOutcome } from '../../src/connections/link'
import { errorFromAnswer, TransferError } from './errors'
import {
  type Answer,
  type Batch,
  classify,
  type Diagnostic,
  encodeAcknowledgement,
  encodeRequest,
  type TransferAction,
  type TransferCommand,
  type TransferRequest,
  type TransferStep,
} from './frames'

export interface RetryLimits {
  /** A request without an answer is sent again after so long, with the same uuid, in ms. Default 30 000. */
  retryMessageTimeout: number
  /** Resends of one request; when the last one is unanswered for as long again, the transfer is given up. Default 6, as Strapi's client. */
  retryMessageMaxRetries: number
}

export const DEFAULT_RETRIES: RetryLimits = { retryMessageTimeout: 30_000, retryMessageMaxRetries: 6 }

export interface DispatcherOwner {
  send: (text: string) => SendOutcome
  /** A batch, of whichever step. To be acknowledged, once, after it was processed. */
  batch: (batch: Batch) => void
  diagnostic: (diagnostic: Diagnostic) => void
  /** The transfer cannot go on; the owner drops the socket. Called once. */
  failed: (error: TransferError) => void
}

interface Outstanding {
  uuid: string
  answered: (answer: Answer) => void
  abandoned: (error: TransferError) => void
}

/**
 * Requests and their answers on one socket, one request at a time: only then is a resend certain to be answered (spec 11.1). Every
 * incoming frame goes to {@link Dispatcher.receive}. Nothing is logged here and no frame is kept.
 */
export class Dispatcher {
  /** What `init` returned; part of every transfer request from then on. */
  transferID: string | undefined
  /** Frames that meant nothing: answers that came again or too late, and shapes that the protocol ignores. */
  ignoredFrames = 0
  private outstanding: Outstanding | undefined
  private tail: Promise<unknown> = Promise.resolve()
  private failure: TransferError | undefined

  constructor(
    private readonly owner: DispatcherOwner,
    private readonly limits: RetryLimits,
  ) {}

  /** @returns the answer's `data`. @throws TransferError for an answer with an error, and once the transfer has failed */
  dispatchCommand(command: TransferCommand, limits = this.limits): Promise<unknown> {
    return this.dispatch({ type: 'command', ...command }, command.command, limits)
  }

  /** @returns the answer's `data`. @throws TransferError as {@link dispatchCommand}, and before `init` was answered */
  dispatchTransferAction(action: TransferAction, limits = this.limits): Promise<unknown> {
    return this.transfer(action, (transferID) =>
      this.dispatch({ type: 'transfer', kind: 'action', action, transferID }, action, limits),
    )
  }

  /** @returns the answer's `data`. @throws TransferError as {@link dispatchTransferAction} */
  dispatchTransferStep(step: TransferStep, limits = this.limits): Promise<unknown> {
    const label = `${step.action} ${step.step}`
    return this.transfer(label, (transferID) =>
      this.dispatch({ type: 'transfer', kind: 'step', ...step, transferID }, label, limits),
    )
  }

  /** Tells the server that it may send the next batch of the step. Has no answer. */
  acknowledge(uuid: string): void {
    if (this.failure === undefined) this.transmit(encodeAcknowledgement(uuid))
  }

  /** Takes one incoming frame. Never throws. */
  receive(text: string): void {
    if (this.failure !== undefined) return
    const frame = classify(text, (uuid) => uuid === this.outstanding?.uuid)
    if (frame.kind === 'diagnostic') this.owner.diagnostic(frame)
    else if (frame.kind === 'batch') this.owner.batch(frame)
    else if (frame.kind === 'answer') this.outstanding?.answered(frame)
    else if (frame.kind === 'broken')
      this.fail(new TransferError('frame-unexpected', `Strapi sent ${frame.why}`))
    else this.ignoredFrames++
  }

  /** Ends it: the request in flight and all later ones are rejected with this error. The first failure stays. */
  fail(error: TransferError): void {
    if (this.failure !== undefined) return
    this.failure = error
    this.outstanding?.abandoned(error)
    this.owner.failed(error)
  }

  private async transfer(label: string, send: (transferID: string) => Promise<unknown>): Promise<unknown> {
    if (this.transferID === undefined)
      throw new TransferError('order-refused', `"${label}" was asked for before the transfer was initialised`)
    return send(this.transferID)
  }

  private dispatch(request: TransferRequest, label: string, limits: RetryLimits): Promise<unknown> {
    const answered = this.tail.then(() => this.exchange(request, label, limits))
    this.tail = answered.catch(() => {})
    return answered
  }

  private exchange(request: TransferRequest, label: string, limits: RetryLimits): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure)
      const uuid = randomUUID()
      const text = encodeRequest(uuid, request)
      let resends = 0
      let timer: ReturnType<typeof setTimeout> | undefined
      const settle = (): void => {
        clearTimeout(timer)
        this.outstanding = undefined
      }
      const again = (): void => {
        if (resends++ < limits.retryMessageMaxRetries) return attempt()
        const waitedMs = limits.retryMessageTimeout * resends
        this.fail(
          new TransferError('request-timeout', `Strapi did not answer "${label}" within ${waitedMs} ms`),
        )
      }
      const attempt = (): void => {
        timer = setTimeout(again, Math.min(limits.retryMessageTimeout, MAX_TIMER_MS))
        this.transmit(text)
      }
      this.outstanding = {
        uuid,
        answered({ data, error }) {
          settle()
          if (error === undefined) resolve(data)
          else reject(errorFromAnswer(error, label))
        },
        abandoned(error) {
          settle()
          reject(error)
        },
      }
      attempt()
    })
  }

  // While the peer does not read, what waits for it is enough: the resend timer goes on.
  private transmit(text: string): void {
    if (this.owner.send(text) === 'closed')
      this.fail(new TransferError('connection-lost', 'The connection to Strapi is closed'))
  }
}
