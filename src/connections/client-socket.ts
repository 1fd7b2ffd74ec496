import type WebSocket from 'ws'
import { type ClientOptions } from 'ws'
import { type Reason } from '../validation/reason'
import { type Attempt, connect } from './connect'
import { IS_CLOSING, transportStopped } from './connection-error'
import { ConnectionLife } from './connection-life'
import { ConnectionStats } from './connection-stats'
import { AnnouncedEnd } from './announced-end'
import { Farewell } from './farewell'
import { newSocket } from './new-socket'
import { type Retry } from './retry'
import { CLOSED, CLOSING, noteWire } from './socket'

/** Where the socket in use stands. Others may put one there, or take it away: what is there counts. */
export interface Place {
  wsConnection?: WebSocket
}

/** What is told of one socket for as long as it lives, replaced or not. */
export interface SocketListeners {
  message: (event: WebSocket.MessageEvent) => void
  error: (event: WebSocket.ErrorEvent) => void
  close: (event: WebSocket.CloseEvent) => void
}

export interface Opening {
  url: string
  options?: ClientOptions
  timeoutMs: number
  /** Has to be done before the socket counts as open. Absent: it counts as open within its open event. */
  open?: (socket: WebSocket) => Promise<void> | void
  /** Made before anything is heard of the socket. */
  listeners: (socket: WebSocket) => SocketListeners
  /** Called when the socket is in its place, before any message of it is told. What it throws fails the attempt. */
  onOpen: (socket: WebSocket) => void
}

/**
 * One connection of ours, at one place, for as long as somebody wants it there: idle → connecting → open (→ closing) → waiting →
 * connecting …, one attempt and one wait at a time. It does not decide when to connect. A socket that has been replaced or let go is sent
 * away politely, and what it still says is nobody's (CN-1). A transport has as many of these as it has connections.
 */
export class ClientSocket<End> {
  readonly stats = new ConnectionStats()
  private readonly life = new ConnectionLife()
  private readonly farewell = new Farewell()
  private generation = 0
  private attempt: Attempt | undefined
  private announcedEnd: AnnouncedEnd | undefined
  private isStopped = false

  /** @param onGone - called when the connection in use is none any more, whoever ended it */
  constructor(
    private readonly place: Place,
    private readonly retry: Retry<End>,
    private readonly onGone: () => void,
  ) {}

  /** What keeps values from coming, for clients that wait; undefined while nothing is known to. */
  get outage(): Reason | undefined {
    return this.life.outage()
  }

  /** The attempt that is going on, if there is one. */
  get opening(): Promise<WebSocket> | undefined {
    return this.attempt?.opened
  }

  /** Tells, from now on, whether the next attempt has not begun yet and the connection has not been let go. */
  currency(): () => boolean {
    const { generation } = this
    return () => generation === this.generation && !this.isStopped
  }

  /**
   * Opens a connection in the place of the one that is there. A socket that is refused, closes or loses the race against its deadline is
   * destroyed, and the promise rejects at once.
   */
  async open(of: Opening): Promise<WebSocket> {
    if (this.isStopped) throw transportStopped()
    // Only an owner that hung in somebody else's code and was given up can have left one: never two sockets.
    this.attempt?.abort()
    this.generation++
    const socket = newSocket(of.url, undefined, of.options)
    const end = this.endOf(socket)
    noteWire(socket, (wire) => end.watch(wire))
    this.life.connecting()
    this.stats.attempted()
    const attempt = this.attempted(socket, of)
    this.attempt = attempt
    try {
      return await attempt.opened
    } catch (error) {
      end.over()
      if (this.place.wsConnection === socket) this.retire()
      throw error
    } finally {
      if (this.attempt === attempt) this.attempt = undefined
    }
  }

  /** Puts a socket that is open in its place, whoever opened it. */
  use(socket: WebSocket): void {
    this.place.wsConnection = socket
    this.look()
  }

  /** Brings the state in line with the socket that is there, which may have been put there or closed by others. */
  look(): void {
    const { wsConnection: socket } = this.place
    if (socket === undefined || socket.readyState === CLOSED || this.attempt !== undefined) return
    if (socket.readyState === CLOSING) this.endOf(socket).look()
    else if (this.life.state === 'open') this.life.recovered()
    else this.life.open()
  }

  /** What keeps values from coming, beside what is seen here. The next {@link look} at an open connection ends it. */
  trouble(why: Pick<Reason, 'code' | 'message'>): void {
    this.life.trouble(why)
  }

  /** An attempt has failed, here or in what its owner does around it. The owner knows when to try again. */
  failed(error: unknown): void {
    this.life.failed(error)
  }

  /**
   * The connection in use has closed; its socket stays in its place. Another may be opened after a pause.
   *
   * @param onDue - called when the pause is over
   */
  lost(why: Pick<Reason, 'code' | 'message'>, end: End, onDue: () => void): void {
    this.gone()
    this.life.trouble(why)
    const { delayMs } = this.retry.again(end, () => {
      this.life.due()
      onDue()
    })
    this.life.waiting(delayMs)
  }

  /** Whether another one may be opened, now or within `limitMs`. */
  isDueWithin(limitMs: number): Promise<boolean> {
    return this.retry.isDueWithin(limitMs)
  }

  /** Lets go of the connection: from here on it is closed, whatever it still says. */
  retire(): void {
    this.generation++
    this.gone()
    const { wsConnection: socket } = this.place
    this.place.wsConnection = undefined
    if (socket !== undefined) this.farewell.take(socket)
    this.life.over(this.isStopped ? 'stopped' : 'idle')
  }

  /** Sends a socket away that is in no place. */
  dismiss(socket: WebSocket): void {
    this.farewell.take(socket)
  }

  /** The end of it: no timer is left, and when the promise resolves, no socket. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.attempt?.abort()
    this.retry.stop()
    this.retire()
    await this.farewell.gone()
  }

  private attempted(
    socket: WebSocket,
    { timeoutMs, open, listeners: listenersOf, onOpen }: Opening,
  ): Attempt {
    const listeners = listenersOf(socket)
    return connect({
      socket,
      timeoutMs,
      open: open && (() => open(socket)),
      onError: listeners.error,
      onOpen: (early) => {
        socket.addEventListener('message', listeners.message)
        socket.addEventListener('error', listeners.error)
        socket.addEventListener('close', listeners.close)
        this.takePlace(socket)
        onOpen(socket)
        for (const event of early) listeners.message(event)
      },
      dismiss: (opening) => this.farewell.take(opening),
    })
  }

  private takePlace(socket: WebSocket): void {
    const { wsConnection: former } = this.place
    if (former !== undefined) this.farewell.take(former)
    this.place.wsConnection = socket
    this.stats.active(true)
    if (socket.readyState === CLOSING) this.life.closing(IS_CLOSING)
    else this.life.open()
  }

  private gone(): void {
    this.announcedEnd?.over()
    this.stats.active(false)
    this.onGone()
  }

  private endOf(socket: WebSocket): AnnouncedEnd {
    if (this.announcedEnd?.socket === socket) return this.announcedEnd
    return (this.announcedEnd = new AnnouncedEnd(socket, () => {
      if (this.place.wsConnection === socket) this.life.closing(IS_CLOSING)
    }))
  }
}
