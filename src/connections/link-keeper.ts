import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { type Reason } from '../validation/reason'
import { IS_CLOSING, reasonOf } from './connection-error'
import { ConnectionLife, type LifeState } from './connection-life'
import { type ConnectionStatus } from './connection-status'
import { ConnectionStats, shownUrl } from './connection-stats'
import { type LinkClose } from './link'
import { OutageLines } from './outage-lines'
import { type App } from '../metrics/labels'
import { type Delay, type Retry } from './retry'
import { monotonicMs } from '../util/clock'

const logger = makeLogger('LinkKeeper')

/** What is kept open: a link, or a protocol session on a link, whose handshake is done so that it counts as open. */
export interface Session {
  /** Resolves when the session has ended, with how it ended. Never rejects. */
  readonly closed: Promise<LinkClose>
  /** Resolves when the end has been announced, where that comes before the end itself. Never rejects. */
  readonly closing?: Promise<void>
  /** Closes the session politely; resolves when it is over. */
  close: () => Promise<unknown>
}

/** Why there is no session: an attempt failed, or an open session ended. */
export type SessionEnd =
  { kind: 'failed'; error: Error; failures: number } | { kind: 'lost'; close: LinkClose; openForMs: number }

export interface KeeperOptions<S extends Session> {
  /** The URL that is dialled, for logs, status and metrics. The keeper removes secrets from it. */
  url: string
  /**
   * Opens a session: the dial and then any handshake, each with its own time limit. It must stop when the signal aborts, and must itself
   * close a session that it cannot finish opening.
   */
  open: (signal: AbortSignal) => Promise<S>
  /** Decides when to open the next session. It gets each end once; the keeper stops it. */
  retry: Retry<SessionEnd, Delay>
  /** Whose connections the metrics count them as. Default: the process's. */
  app?: (() => App) | undefined
  /** Called in the same tick in which a session opens. An error that it throws closes that session, which then counts as lost. */
  onOpen?: (session: S) => void
  /** What belongs to the adapter, such as the transport, for log lines. */
  whose?: object
  /** Called after each change of state. */
  onState?: (state: LifeState) => void
}

/**
 * Keeps one session open until it is stopped: idle → connecting → open (→ closing) → waiting → connecting …, with one attempt and one wait
 * at a time. The late end of a session that is no longer in use changes nothing.
 */
export class LinkKeeper<S extends Session> {
  private current: S | undefined
  private failures = 0
  private attempt: AbortController | undefined
  private end: SessionEnd['kind'] | undefined
  private readonly stats: ConnectionStats
  private readonly life: ConnectionLife
  private readonly beganUnixMs = Date.now()
  private readonly outages: OutageLines

  constructor(private readonly options: KeeperOptions<S>) {
    this.life = new ConnectionLife(options.onState)
    this.outages = new OutageLines(this.whose, logger)
    this.stats = new ConnectionStats(options.app)
  }

  get state(): LifeState {
    return this.life.state
  }

  /** The open session, if there is one. */
  get session(): S | undefined {
    return this.current
  }

  /** How the last session, or attempt at one, ended. */
  get lastEnd(): SessionEnd['kind'] | undefined {
    return this.end
  }

  /** Begins, unless it has begun already or was stopped. It can be called again after the keeper gave up. */
  start(): void {
    if (this.state === 'idle' || this.state === 'failed') this.connect()
  }

  /** Stops for good. When it resolves, no timer and no socket is left. */
  async stop(): Promise<void> {
    this.options.retry.stop()
    await this.letGo()
  }

  /** For `/status`. */
  status(): ConnectionStatus {
    return this.life.status(this.options.url)
  }

  /** Why no values come, for clients that wait; undefined while a session is open. */
  outage(): Reason | undefined {
    if (this.state === 'open') return undefined
    const message = 'The connection is being set up'
    return this.life.outage() ?? { code: 'STARTING', message, sinceUnixMs: this.beganUnixMs }
  }

  private get whose(): object {
    return this.options.whose ?? this
  }

  private connect(): void {
    this.life.connecting()
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
    this.stats.active(true)
    const openedAtMs = monotonicMs()
    void session.closed.then((close) => {
      if (this.current === session) this.lost(close, monotonicMs() - openedAtMs)
    })
    void session.closing?.then(() => {
      if (this.current !== session) return
      this.stats.active(false)
      this.life.closing(IS_CLOSING)
    })
    this.life.open()
    this.outages.over()
    try {
      this.options.onOpen?.(session)
    } catch (err) {
      named(logger, this.whose).error(
        { err, url: shownUrl(this.options.url) },
        'What follows an open connection failed',
      )
      void session.close()
    }
  }

  private failed(error: Error): void {
    this.attempt = undefined
    this.failures++
    const reason = reasonOf(error)
    const message = reason?.message ?? error.message
    const code = reason?.code ?? 'CONNECTION_FAILED'
    this.life.trouble({ code, message })
    this.stats.errored(code)
    const fields = { code, url: shownUrl(this.options.url) }
    this.outages.failed({ level: 'warn', fields, text: `No connection: ${message}` })
    this.retryAfter({ kind: 'failed', error, failures: this.failures })
  }

  private lost(close: LinkClose, openForMs: number): void {
    this.current = undefined
    this.stats.active(false)
    this.stats.closed(close.code, this.options.url)
    const why = close.cause?.message ?? (close.reason || 'no reason given')
    const message = `The connection ended (code ${close.code}): ${why}`
    this.life.trouble({ code: reasonOf(close.cause)?.code ?? 'CONNECTION_CLOSED', message })
    this.outages.failed({ level: 'warn', fields: { url: shownUrl(this.options.url) }, text: message })
    this.retryAfter({ kind: 'lost', close, openForMs })
  }

  private retryAfter(end: SessionEnd): void {
    this.end = end.kind
    const { delayMs } = this.options.retry.again(end, () => this.connect())
    if (delayMs === undefined) {
      named(logger, this.whose).error({ url: shownUrl(this.options.url) }, 'Gave up connecting')
      return this.life.over('failed')
    }
    this.life.waiting(delayMs)
  }

  private async letGo(): Promise<void> {
    this.attempt?.abort()
    this.attempt = undefined
    const session = this.current
    this.current = undefined
    if (session !== undefined) this.stats.active(false)
    this.life.over('stopped')
    await session?.close()
  }
}
