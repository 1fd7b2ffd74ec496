import type WebSocket from 'ws'
import { type Reason } from '../validation/reason'
import { type Attempt, connect } from './connect'
import { IS_CLOSING, transportStopped } from './connection-error'
import { ConnectionLife, type Hold } from './connection-life'
import { type ConnectionCounts } from './connection-stats'
import { type ConnectionStatus } from './connection-status'
import { AnnouncedEnd } from './announced-end'
import { Farewell } from './farewell'
import { readRefusal } from './handshake-refusal'
import { newSocket, type SocketOptions } from './new-socket'
import { type Retry } from './retry'
import { CLOSED, CLOSING, noteWire, OPEN, verdictOf, wireOf } from './socket'

/** Holds the socket in use. Other code may put a socket here or remove it; the socket that is here is the one that counts. */
export interface Place {
  wsConnection?: WebSocket
}

/** The listeners of one socket for its whole life. They are called even after it has been replaced, until its listeners are taken off. */
export interface SocketListeners {
  message: (event: WebSocket.MessageEvent) => void
  error: (event: WebSocket.ErrorEvent) => void
  close: (event: WebSocket.CloseEvent) => void
}

export interface Opening {
  url: string
  options?: SocketOptions
  timeoutMs: number
  /** Must be done before the socket counts as open. If absent, the socket counts as open within its open event. */
  open?: (socket: WebSocket) => Promise<void> | void
  /** Called before any event of the socket is handled. */
  listeners: (socket: WebSocket) => SocketListeners
  /** Called when the socket is in its place, before any of its messages is delivered. An error that it throws fails the attempt. */
  onOpen: (socket: WebSocket) => void
  /** Whether there may be no other connection: every former one has to be gone before this one is dialled (CN-7). Default false. */
  isAlone?: boolean | undefined
}

/**
 * One outbound connection, kept in one {@link Place}: idle → connecting → open (→ closing) → waiting → connecting …, with one attempt and
 * one wait at a time. It does not decide when to connect. A socket that was replaced or retired is closed politely, and what it still sends
 * is ignored (CN-1). A transport has as many of these as it has connections.
 */
export class ClientSocket<End> {
  private readonly life = new ConnectionLife()
  private readonly farewell = new Farewell()
  private generation = 0
  private attempt: Attempt | undefined
  private announcedEnd: AnnouncedEnd | undefined
  /** What listens to the socket in its place, where it was opened here. */
  private heard: { socket: WebSocket; listeners: SocketListeners } | undefined
  private isStopped = false

  /**
   * @param onGone - called when the connection in use is given up, whoever ended it
   * @param stats - where its connections are counted
   */
  constructor(
    private readonly place: Place,
    private readonly retry: Retry<End>,
    private readonly onGone: () => void,
    readonly stats: ConnectionCounts,
  ) {}

  /** The known reason why no values come, for clients that wait; undefined when there is none. */
  get outage(): Reason | undefined {
    return this.life.outage()
  }

  status(url: string): ConnectionStatus {
    return this.life.status(url)
  }

  /** The attempt that is running, if there is one. */
  get opening(): Promise<WebSocket> | undefined {
    return this.attempt?.opened
  }

  /** Returns a function that tells whether, since this call, no new attempt has begun and the connection has not been retired. */
  currency(): () => boolean {
    const { generation } = this
    return () => generation === this.generation && !this.isStopped
  }

  /**
   * Opens a connection that replaces the present one. A socket that is refused, that closes, or that is not open in time is destroyed, and
   * the promise rejects at once.
   */
  async open(of: Opening): Promise<WebSocket> {
    if (this.isStopped) throw transportStopped()
    // An earlier attempt can only be left here when its owner hung in other code and was given up. There are never two sockets at once.
    this.attempt?.abort()
    const generation = ++this.generation
    if (of.isAlone) await this.clearTheWay(generation)
    const socket = newSocket(of.url, undefined, of.options)
    const end = this.endOf(socket)
    noteWire(socket, (wire) => end.watch(wire))
    readRefusal(socket)
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

  /** Puts an open socket in its place, whoever opened it. */
  use(socket: WebSocket): void {
    this.place.wsConnection = socket
    this.look()
  }

  /** Updates the state from the socket that is in its place, because other code may have put it there or closed it. */
  look(): void {
    const { wsConnection: socket } = this.place
    if (socket === undefined || socket.readyState === CLOSED || this.attempt !== undefined) return
    if (socket.readyState === CLOSING) this.endOf(socket).look()
    else if (this.life.state === 'open') this.life.recovered()
    else this.life.open()
  }

  /** Notes a reason why no values come that cannot be seen here. The next {@link look} at an open connection clears it. */
  trouble(why: Pick<Reason, 'code' | 'message'>): void {
    this.life.trouble(why)
  }

  /** Notes that an attempt failed, here or in what its owner does around it. The owner decides when to try again. */
  failed(error: unknown): void {
    this.life.failed(error)
  }

  /** Notes that another attempt may not be made yet, and when it may. */
  held(hold: Hold): void {
    this.life.held(hold)
  }

  /**
   * Notes that the connection in use has closed; its socket stays in its place. Another one may be opened after a pause.
   *
   * @param onDue - called when the pause is over
   */
  lost(why: Pick<Reason, 'code' | 'message'>, end: End, onDue: () => void): void {
    this.gone()
    this.life.trouble(verdictOf(this.place.wsConnection) ?? why)
    const { delayMs } = this.retry.again(end, () => {
      this.life.due()
      onDue()
    })
    this.life.waiting(delayMs)
  }

  /** The same for an end that is not the connection's fault: another one may be opened at once, and the pauses do not grow. */
  lostWithoutFault(why: Pick<Reason, 'code' | 'message'>): void {
    this.gone()
    this.life.trouble(why)
    this.life.waiting()
  }

  /** Whether another connection may be opened, now or within `limitMs`. */
  isDueWithin(limitMs: number): Promise<boolean> {
    return this.retry.isDueWithin(limitMs)
  }

  /** Gives up the connection: the socket leaves its place and is closed, and what it still sends is ignored. */
  retire(): void {
    this.generation++
    this.gone()
    const { wsConnection: socket } = this.place
    this.place.wsConnection = undefined
    if (socket !== undefined) this.farewell.take(socket)
    this.life.over(this.isStopped ? 'stopped' : 'idle')
  }

  /** Gives up the connection, and the attempt that is running. Another one may be made at any time. */
  leave(): void {
    this.attempt?.abort()
    if (this.place.wsConnection !== undefined) this.retire()
  }

  /**
   * Gives an open connection away: the socket leaves its place without its listeners, for another owner to {@link adopt} in the same tick.
   *
   * @returns undefined where there is none that was opened here
   */
  release(): WebSocket | undefined {
    const { heard } = this
    const { wsConnection: socket } = this.place
    if (heard === undefined || heard.socket !== socket || socket.readyState !== OPEN) return undefined
    this.generation++
    this.gone()
    this.place.wsConnection = this.heard = undefined
    const { message, error, close } = heard.listeners
    socket.removeEventListener('message', message)
    socket.removeEventListener('error', error)
    socket.removeEventListener('close', close)
    this.life.over('idle')
    return socket
  }

  /**
   * Puts an open connection, which another owner has released, in the place of the present one. That one is closed politely, and what it
   * still sends is ignored. It counts as an attempt that succeeded.
   */
  adopt(socket: WebSocket, listenersOf: (socket: WebSocket) => SocketListeners): void {
    this.attempt?.abort()
    this.generation++
    this.announcedEnd?.over()
    this.stats.attempted()
    this.listen(socket, listenersOf(socket))
    const [end, wire] = [this.endOf(socket), wireOf(socket)]
    if (wire !== undefined) end.watch(wire)
    this.takePlace(socket)
  }

  /** Closes politely a socket that is not in the place. */
  dismiss(socket: WebSocket): void {
    this.farewell.take(socket)
  }

  /** Stops for good. No timer is left, and when the promise resolves, no socket either. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.attempt?.abort()
    this.retry.stop()
    this.retire()
    await this.farewell.gone()
  }

  private async clearTheWay(generation: number): Promise<void> {
    const { wsConnection: former } = this.place
    if (former !== undefined) this.farewell.take(former)
    await this.farewell.gone()
    if (this.isStopped || generation !== this.generation) throw transportStopped()
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
        this.listen(socket, listeners)
        this.takePlace(socket)
        onOpen(socket)
        for (const event of early) listeners.message(event)
      },
      dismiss: (opening) => this.farewell.take(opening),
      cut: (failed) => this.farewell.cut(failed),
    })
  }

  private listen(socket: WebSocket, listeners: SocketListeners): void {
    const { message, error, close } = listeners
    socket.addEventListener('message', message)
    socket.addEventListener('error', error)
    socket.addEventListener('close', close)
    this.heard = { socket, listeners: { message, error, close } }
  }

  private takePlace(socket: WebSocket): void {
    const { wsConnection: former } = this.place
    if (former !== undefined) this.farewell.take(former)
    this.place.wsConnection = socket
    if (socket.readyState === CLOSING) return this.closing()
    this.stats.active(true)
    this.life.open()
  }

  /** The end has been announced. It is not a connection any more, though its socket stays in its place until it has closed. */
  private closing(): void {
    this.stats.active(false)
    this.life.closing(IS_CLOSING)
  }

  private gone(): void {
    this.announcedEnd?.over()
    this.stats.active(false)
    this.onGone()
  }

  private endOf(socket: WebSocket): AnnouncedEnd {
    if (this.announcedEnd?.socket === socket) return this.announcedEnd
    return (this.announcedEnd = new AnnouncedEnd(socket, () => {
      if (this.place.wsConnection === socket) this.closing()
    }))
  }
}
