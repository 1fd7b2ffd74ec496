import { type EventSource } from 'eventsource'
import { type ErrorCode } from '../../validation/error-codes'
import { connectionError } from '../../connections/connection-error'
import { HandshakeRefusal } from '../../connections/handshake-refusal'
import { MAX_TIMER_MS } from '../../util/sleep'
import { failureOfSource, retryAfterOfSource, wasTooLarge } from './event-source'

const OPEN = 1

/** Why a stream ended. */
export interface Loss {
  code: ErrorCode
  message: string
  cause?: HandshakeRefusal
}

type Listen = (type: string, listener: (event: MessageEvent) => void) => void

/**
 * One stream, from the request for it to its end. It never reconnects by itself, because the code that opens the next stream must subscribe
 * everything again. After its end it ignores all events (CN-1).
 */
export class SseConnection {
  /** Settled by the first of: open, an event, error, deadline, close. */
  readonly opened: Promise<void>
  private state: 'connecting' | 'open' | 'closed' = 'connecting'
  private settle!: (failure?: Error) => void
  private readonly deadline: NodeJS.Timeout

  /**
   * @param of.events - the events to listen for; the listeners must not throw
   * @param of.onLost - called once when an open stream ends in another way than by {@link close}
   */
  constructor(
    private readonly source: EventSource,
    private readonly of: {
      events: { type: string; receive: (event: MessageEvent) => void }[]
      timeoutMs: number
      onLost: (loss: Loss) => void
    },
  ) {
    this.opened = new Promise((resolve, reject) => {
      this.settle = (failure) => {
        clearTimeout(this.deadline)
        if (failure === undefined) resolve()
        else reject(failure)
      }
    })
    // A caller that awaits it gets the failure. If nobody does, it is no unhandled rejection.
    this.opened.catch(() => {})
    this.deadline = setTimeout(
      () =>
        this.fail({
          code: 'CONNECTION_TIMEOUT',
          message: `The stream did not open within ${of.timeoutMs} ms`,
        }),
      Math.min(of.timeoutMs, MAX_TIMER_MS),
    )
    const listen = source.addEventListener.bind(source) as Listen
    listen('open', () => this.open())
    listen('error', (event) => this.errored(event as { code?: number; message?: string }))
    for (const { type, receive } of of.events) {
      listen(type, (event) => {
        if (this.state === 'closed') return
        if (type !== 'error') this.open()
        receive(event)
      })
    }
    // A test's class may be open from the start, or may have no states.
    if (source.readyState === OPEN || typeof source.readyState !== 'number') this.open()
  }

  get isOpen(): boolean {
    return this.state === 'open'
  }

  get isClosed(): boolean {
    return this.state === 'closed'
  }

  /** Detects the end of a stream whose class does not report it. */
  check(): void {
    const { readyState } = this.source
    if (this.state === 'open' && typeof readyState === 'number' && readyState !== OPEN)
      this.fail({ code: 'CONNECTION_CLOSED', message: 'The stream is not open any more' })
  }

  close(): void {
    if (this.state !== 'closed') this.end(new Error('The stream was closed'))
  }

  private open(): void {
    if (this.state !== 'connecting') return
    this.state = 'open'
    this.settle()
  }

  private errored(event: { code?: number; message?: string }): void {
    // A provider may use `error` as the name of one of its own events.
    if (this.state === 'closed' || this.source.readyState === OPEN) return
    const { code: status } = event
    if (status !== undefined && status !== 200)
      this.fail({
        code: 'REQUEST_FAILED',
        message: `The provider answered with status ${status}`,
        cause: new HandshakeRefusal(status, retryAfterOfSource(this.source)),
      })
    else if (this.state === 'open' && wasTooLarge(this.source))
      this.fail({ code: 'PROTOCOL_VIOLATED', message: 'An event was too large before it had an end' })
    else if (this.state === 'open')
      this.fail({ code: 'CONNECTION_CLOSED', message: 'The provider closed the stream' })
    else this.fail(failureOnTheWay(this.source) ?? failureToOpen(event.message ?? ''))
  }

  private fail(loss: Loss): void {
    const wasOpen = this.state === 'open'
    this.end(connectionError(loss.code, loss.message, loss.cause))
    if (wasOpen) this.of.onLost(loss)
  }

  private end(reason: Error): void {
    this.state = 'closed'
    this.settle(reason)
    closeSource(this.source)
  }
}

/**
 * Makes the loss for a stream that did not open. The message of the `eventsource` package may contain the URL. Of it, only the errors of
 * the host's addresses are used, where there are several.
 */
/** What the texts of `fetch` say, which are all that the class of the stream passes on. */
const FAILURES: readonly (readonly [said: RegExp, code: ErrorCode, text: string])[] = [
  [/ECONNREFUSED/, 'CONNECTION_REFUSED', 'The connection was refused'],
  [/ENOTFOUND/, 'HOST_NOT_FOUND', 'The host was not found'],
  [/bad port/, 'URL_FAILED', 'The URL has a port to which streams are not opened'],
  [/redirected too often/, 'CONNECTION_FAILED', 'The provider redirects without an end'],
  [/./, 'CONNECTION_FAILED', 'The stream could not be opened'],
]

const failureToOpen = (message: string): Loss => {
  const parts = message.match(/connect E[A-Z]+ [^\s,]+/g) ?? []
  const named = parts.length > 1 ? `: ${parts.join('; ')}` : ''
  const [, code, text] = FAILURES.find(([said]) => said.test(message)) ?? FAILURES.at(-1)!
  return { code, message: `${text}${named}` }
}

const failureOnTheWay = (source: EventSource): Loss | undefined => {
  const error = failureOfSource(source)
  return error && { code: 'code' in error ? error.code : 'CONNECTION_FAILED', message: error.message }
}

const closeSource = (source: EventSource): void => {
  const close = (): void => {
    try {
      source.close()
    } catch {
      // The class was injected, so its errors are not ours; and the source is not used any more in any case.
    }
  }
  close()
  // After an `error` event the package sets a timer for its own next attempt. A second close clears that timer.
  void Promise.resolve().then(close)
}
