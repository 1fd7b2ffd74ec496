import { type Reason } from '../validation/reason'
import { reasonOf } from './connection-error'
import { type ConnectionStatus } from './connection-status'
import { shownUrl } from './connection-stats'

/** `closing`: the end has been announced, but the connection has not closed yet. */
export type LifeState = 'idle' | 'connecting' | 'open' | 'closing' | 'waiting' | 'failed' | 'stopped'

type Trouble = Pick<Reason, 'code' | 'message' | 'class'>

/** Why no attempt may be made for a while, and how long that lasts. */
export type Hold = Trouble & { delayMs: number }

const unknownFailure = (error: unknown): Trouble => ({ code: 'CONNECTION_FAILED', message: String(error) })

/**
 * The state of something that is kept connected, with what is reported about it: since when, why not, and when the next attempt is. Its
 * owner decides what happens; this class only records it. The start of an outage is the time of its first failure.
 */
export class ConnectionLife {
  private current: LifeState = 'idle'
  private sinceUnixMs = Date.now()
  private nextAttemptUnixMs: number | undefined
  private error: ConnectionStatus['lastError']
  /** Of the error, where its code does not tell. */
  private kind: Reason['class']
  private outageSinceUnixMs: number | undefined
  /** Why the next attempt is not made sooner. */
  private because: string | undefined
  private opened = 0

  /** @param onState - called after each change of state */
  constructor(private readonly onState?: (state: LifeState) => void) {}

  get state(): LifeState {
    return this.current
  }

  /** An attempt begins. */
  connecting(): void {
    this.enter('connecting')
  }

  /** The connection is open, so the last trouble is over. */
  open(): void {
    this.opened++
    this.recovered()
    this.enter('open')
  }

  /** Clears the error and the outage. The state stays. */
  recovered(): void {
    this.error = undefined
    this.outageSinceUnixMs = undefined
  }

  /** Records a reason why no values come. The state stays; the caller changes it next where that is needed. */
  trouble({ code, message, class: kind }: Trouble): void {
    const unixMs = Date.now()
    this.kind = kind
    this.error = { code, message, unixMs }
    this.outageSinceUnixMs ??= unixMs
  }

  /** An attempt has failed. The caller of that attempt knows when to try again. */
  failed(error: unknown): void {
    const { code, message, class: kind } = reasonOf(error) ?? unknownFailure(error)
    this.trouble({ code, message, ...(kind && { class: kind }) })
    if (this.current === 'connecting' || this.current === 'idle') this.waiting()
  }

  /** The end of the connection has been announced: no value will come any more. */
  closing(why: Trouble): void {
    this.trouble(why)
    this.enter('closing')
  }

  /** @param delayMs - the time until the next attempt; undefined where other code decides on that */
  waiting(delayMs?: number): void {
    this.nextAttemptUnixMs = delayMs === undefined ? undefined : Math.round(Date.now() + delayMs)
    this.because = undefined
    this.enter('waiting')
  }

  /** The next attempt may not be made yet, whatever is wrong beside that. What went wrong before stays the reason, with this added. */
  held({ code, message, delayMs, class: kind }: Hold): void {
    const isAddition = this.error !== undefined && this.error.message !== message
    if (!isAddition) this.trouble({ code, message, ...(kind && { class: kind }) })
    this.waiting(delayMs)
    if (isAddition) this.because = message
  }

  /** The next attempt may be made now, and is made when somebody wants it. */
  due(): void {
    this.nextAttemptUnixMs = undefined
  }

  /** The connection is given up, on purpose (`idle`, `stopped`) or because no attempt can help any more (`failed`). */
  over(state: 'idle' | 'failed' | 'stopped'): void {
    this.enter(state)
  }

  /** For `/status`. */
  status(url: string): ConnectionStatus {
    const { current: state, sinceUnixMs, opened, error: lastError } = this
    return {
      role: 'client',
      state,
      url: shownUrl(url),
      sinceUnixMs,
      opened,
      ...this.next(),
      ...(lastError === undefined ? {} : { lastError }),
    }
  }

  /** The known reason why no values come, for clients that wait; undefined when there is none. */
  outage(): Reason | undefined {
    const { error, outageSinceUnixMs, because } = this
    if (error === undefined || outageSinceUnixMs === undefined) return undefined
    const { code } = error
    const message = because === undefined ? error.message : `${error.message}; ${because}`
    const kind = this.kind && { class: this.kind }
    return { code, message, sinceUnixMs: outageSinceUnixMs, ...this.next(), ...kind }
  }

  private next(): Pick<Reason, 'nextAttemptUnixMs'> {
    const { nextAttemptUnixMs } = this
    return nextAttemptUnixMs === undefined ? {} : { nextAttemptUnixMs }
  }

  private enter(state: LifeState): void {
    if (state !== 'waiting') this.nextAttemptUnixMs = this.because = undefined
    if (state === 'open' || this.current === 'open') this.sinceUnixMs = Date.now()
    this.current = state
    this.onState?.(state)
  }
}
