import { makeLogger } from '../util/logging'
import { type Reason } from '../validation/reason'
import { reasonOf } from './connection-error'
import { type ConnectionStatus } from './connection-status'
import { ConnectionStats, shownUrl } from './connection-stats'
import { type LinkClose } from './link'
import { type Delay, type Retry } from './retry'

const logger = makeLogger('LinkKeeper')

/** What is kept open: a link, or a conversation on one that has been led as far as it has to be to count as open. */
export interface Session {
  /** Resolves with its end. Never rejects. */
  readonly closed: Promise<LinkClose>
  /** Ends it politely; resolves when it is over. */
  close: () => Promise<unknown>
}

/** Why there is no session: an attempt that failed, or one that was open and ended. */
export type SessionEnd =
  { kind: 'failed'; error: Error; failures: number } | { kind: 'lost'; close: LinkClose; openForMs: number }

export type KeeperState = 'idle' | 'connecting' | 'open' | 'waiting' | 'failed' | 'stopped'

export interface KeeperOptions<S extends Session> {
  /** For logs, status and metrics: what is dialled, with whatever is secret in it cut out by the keeper. */
  url: string
  /**
   * Opens a session: dial, then whatever handshake there is, all of it within time limits of its own. To be ended by the signal.
   * A session that it cannot finish opening is its to close.
   */
  open: (signal: AbortSignal) => Promise<S>
  /** When to open the next one. Told each end once; the keeper stops it. */
  retry: Retry<SessionEnd, Delay>
  /** Called in the tick in which a session is open. What it throws ends that session as lost. */
  onOpen?: (session: S) => void
  /** Called after each change of state. */
  onState?: (state: KeeperState) => void
}

/**
 * Keeps one session open for as long as it is wanted: idle → connecting → open → waiting → connecting …, one attempt and one wait at a
 * time. A late end of a session that is no longer the one in use changes nothing.
 */
export class LinkKeeper<S extends Session> {
  private current: S | undefined
  private stateNow: KeeperState = 'idle'
  private sinceUnixMs = Date.now()
  private nextAttemptUnixMs: number | undefined
  private lastError: ConnectionStatus['lastError']
  private failures = 0
  private opened = 0
  private attempt: AbortController | undefined
  private end: SessionEnd['kind'] | undefined
  private readonly stats = new ConnectionStats()

  constructor(private readonly options: KeeperOptions<S>) {}

  get state(): KeeperState {
    return this.stateNow
  }

  /** The open session, if there is one. */
  get session(): S | undefined {
    return this.current
  }

  /** How the last session, or attempt at one, ended. */
  get lastEnd(): SessionEnd['kind'] | undefined {
    return this.end
  }

  /** Begins, unless it has begun or has been stopped. After giving up it begins anew. */
  start(): void {
    if (this.stateNow === 'idle' || this.stateNow === 'failed') this.connect()
  }

  /** The end of it: no timer and no socket is left when it resolves. */
  async stop(): Promise<void> {
    this.options.retry.stop()
    await this.letGo()
  }

  /** For `/status`. */
  status(): ConnectionStatus {
    const { stateNow: state, sinceUnixMs, nextAttemptUnixMs, lastError } = this
    return {
      role: 'client',
      state,
      url: shownUrl(this.options.url),
      sinceUnixMs,
      opened: this.opened,
      ...(nextAttemptUnixMs === undefined ? {} : { nextAttemptUnixMs }),
      ...(lastError === undefined ? {} : { lastError }),
    }
  }

  /** What keeps values from coming, for clients that wait; undefined while a session is open. */
  outage(): Reason | undefined {
    if (this.stateNow === 'open') return undefined
    const { code, message } = this.lastError ?? {
      code: 'STARTING',
      message: 'The connection is being set up',
    }
    const { sinceUnixMs, nextAttemptUnixMs } = this
    return { code, message, sinceUnixMs, ...(nextAttemptUnixMs === undefined ? {} : { nextAttemptUnixMs }) }
  }

  private connect(): void {
    this.enter('connecting')
    this.stats.attempted()
    const attempt = new AbortController()
    this.attempt = attempt
    const isCurrent = () => this.attempt === attempt && !attempt.signal.aborted
    this.options.open(attempt.signal).then(
      (session) => {
        if (isCurrent()) this.opens(session)
        else void session.close()
      },
      (error: Error) => {
        if (isCurrent()) this.failed(error)
      },
    )
  }

  private opens(session: S): void {
    this.attempt = undefined
    this.current = session
    this.failures = 0
    this.opened++
    this.lastError = undefined
    this.stats.active(true)
    const openedAt = Date.now()
    void session.closed.then((close) => {
      if (this.current === session) this.lost(close, Date.now() - openedAt)
    })
    this.enter('open')
    try {
      this.options.onOpen?.(session)
    } catch (err) {
      logger.error({ err, url: shownUrl(this.options.url) }, 'What follows an open connection failed')
      void session.close()
    }
  }

  private failed(error: Error): void {
    this.attempt = undefined
    this.failures++
    const reason = reasonOf(error)
    const message = reason?.message ?? error.message
    this.lastError = { code: reason?.code ?? 'CONNECTION_FAILED', message, unixMs: Date.now() }
    this.stats.errored(message)
    logger.warn({ code: this.lastError.code, url: shownUrl(this.options.url) }, `No connection: ${message}`)
    this.retryAfter({ kind: 'failed', error, failures: this.failures })
  }

  private lost(close: LinkClose, openForMs: number): void {
    this.current = undefined
    this.stats.active(false)
    this.stats.closed(close.code, this.options.url)
    const why = close.cause?.message ?? (close.reason || 'no reason given')
    const message = `The connection ended (code ${close.code}): ${why}`
    this.lastError = { code: reasonOf(close.cause)?.code ?? 'CONNECTION_CLOSED', message, unixMs: Date.now() }
    logger.warn({ url: shownUrl(this.options.url) }, message)
    this.retryAfter({ kind: 'lost', close, openForMs })
  }

  private retryAfter(end: SessionEnd): void {
    this.end = end.kind
    const { delayMs } = this.options.retry.again(end, () => this.connect())
    if (delayMs === undefined) {
      logger.error({ url: shownUrl(this.options.url) }, 'Gave up connecting')
      return this.enter('failed')
    }
    this.nextAttemptUnixMs = Date.now() + delayMs
    this.enter('waiting')
  }

  private async letGo(): Promise<void> {
    this.attempt?.abort()
    this.attempt = undefined
    const session = this.current
    this.current = undefined
    if (session !== undefined) this.stats.active(false)
    this.enter('stopped')
    await session?.close()
  }

  private enter(state: KeeperState): void {
    if (state !== 'waiting') this.nextAttemptUnixMs = undefined
    // An outage is as old as its first failure, not as the latest attempt to end it.
    if (state === 'open' || this.stateNow === 'open') this.sinceUnixMs = Date.now()
    this.stateNow = state
    this.options.onState?.(state)
  }
}
