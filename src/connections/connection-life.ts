import { type Reason } from '../validation/reason'
import { reasonOf } from './connection-error'
import { type ConnectionStatus } from './connection-status'
import { shownUrl } from './connection-stats'

/** `closing`: the end has been announced and is not there yet. */
export type LifeState = 'idle' | 'connecting' | 'open' | 'closing' | 'waiting' | 'failed' | 'stopped'

type Trouble = Pick<Reason, 'code' | 'message'>

/**
 * The state of something that is kept connected, and what there is to say of it: since when, why not, when next. Its keeper decides; here
 * the state is changed, and an outage stays as old as its first failure.
 */
export class ConnectionLife {
  private current: LifeState = 'idle'
  private sinceUnixMs = Date.now()
  private nextAttemptUnixMs: number | undefined
  private error: ConnectionStatus['lastError']
  private outageSinceUnixMs: number | undefined
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

  /** It is open: what was wrong is over. */
  open(): void {
    this.opened++
    this.recovered()
    this.enter('open')
  }

  /** Nothing is wrong any more. The state stays. */
  recovered(): void {
    this.error = undefined
    this.outageSinceUnixMs = undefined
  }

  /** Something keeps values from coming. The state stays; what follows is said by the next change of it. */
  trouble({ code, message }: Trouble): void {
    const unixMs = Date.now()
    this.error = { code, message, unixMs }
    this.outageSinceUnixMs ??= unixMs
  }

  /** An attempt has failed; whoever asked for it knows when to try again. */
  failed(error: unknown): void {
    const { code = 'CONNECTION_FAILED', message = String(error) } = reasonOf(error) ?? {}
    this.trouble({ code, message })
    if (this.current === 'connecting' || this.current === 'idle') this.waiting()
  }

  /** Its end has been announced: no value will come any more. */
  closing(why: Trouble): void {
    this.trouble(why)
    this.enter('closing')
  }

  /** @param delayMs - until the next attempt; undefined where somebody else decides on that */
  waiting(delayMs?: number): void {
    this.nextAttemptUnixMs = delayMs === undefined ? undefined : Math.round(Date.now() + delayMs)
    this.enter('waiting')
  }

  /** The next attempt may be made, and will be when somebody wants it. */
  due(): void {
    this.nextAttemptUnixMs = undefined
  }

  /** It is let go, on purpose (`idle`, `stopped`) or because nothing helps any more (`failed`). */
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

  /** What keeps values from coming, for clients that wait; undefined while nothing is known to. */
  outage(): Reason | undefined {
    const { error, outageSinceUnixMs } = this
    if (error === undefined || outageSinceUnixMs === undefined) return undefined
    const { code, message } = error
    return { code, message, sinceUnixMs: outageSinceUnixMs, ...this.next() }
  }

  private next(): Pick<Reason, 'nextAttemptUnixMs'> {
    const { nextAttemptUnixMs } = this
    return nextAttemptUnixMs === undefined ? {} : { nextAttemptUnixMs }
  }

  private enter(state: LifeState): void {
    if (state !== 'waiting') this.nextAttemptUnixMs = undefined
    if (state === 'open' || this.current === 'open') this.sinceUnixMs = Date.now()
    this.current = state
    this.onState?.(state)
  }
}
