import { type ServerResponse } from 'node:http'
import { Socket } from 'node:net'

const STOPPING = JSON.stringify({
  statusCode: 503,
  error: 'Service Unavailable',
  message: 'The service stops, and could not answer in time',
})

const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'content-length': STOPPING.length }

/** So many requests of one connection may wait for their answers before it is read no further. */
const MAX_WAITING = 64
/** With so many in one packet, it is cut. */
const MAX_IN_PACKET = 1_000
/** A client that takes less in the limit of its time takes next to nothing. */
const MIN_TAKEN_BYTES = 16_384
/** So long a client may take to end its side after its last answer. */
const ENDING_MS = 1_000

/** One connection of a client, which may send its next request before the last one is answered. */
export class OpenConnection {
  /** The newest request's. */
  private latest: ServerResponse | undefined
  /** Those before it that are not sent yet; undefined as long as requests come one by one. */
  private earlier: ServerResponse[] | undefined
  /** With so many earlier ones it is looked which are sent. */
  private looksAt = MAX_WAITING
  /** How much it had taken, and when, while answers are waiting to be taken. */
  private taken: { bytes: number; atMs: number } | undefined
  /** Defined while the connection is being ended: nothing may come for this long. */
  private idleMs: number | undefined
  private idle: NodeJS.Timeout | undefined
  /** The response that we made the last one. */
  private last: ServerResponse | undefined

  private ending: NodeJS.Timeout | undefined

  constructor(readonly socket: Socket) {
    // Node's server calls it after an answer that says `close`.
    socket.destroySoon = () => this.endInStages()
  }

  /** A request has been parsed. */
  begin(response: ServerResponse): void {
    const { latest } = this
    this.latest = response
    if (latest !== undefined && !latest.writableFinished) this.queue(latest, response)
    if (this.idleMs !== undefined) this.endWith(response)
  }

  /** Whether no request has come on it so far. */
  get isSilent(): boolean {
    return this.latest === undefined
  }

  /** Whether none of its requests waits for an answer. */
  get isIdle(): boolean {
    return this.latest === undefined || this.latest.writableFinished
  }

  /** From now on the last answer says that the connection ends; without a request it ends after `idleMs`. */
  end(idleMs: number): void {
    this.idleMs = idleMs
    if (this.latest !== undefined && !this.latest.writableFinished) this.endWith(this.latest)
    this.watch(idleMs)
  }

  /** Answers what has not been answered: nobody else will. */
  answerRest(): void {
    for (const response of [...(this.earlier ?? []), this.latest]) {
      if (response === undefined || response.headersSent || response.writableEnded) continue
      response.writeHead(503, HEADERS).end(STOPPING)
    }
  }

  /** Whether the client takes next to nothing of the answers that are ready for it, for so long. */
  isStuck(nowMs: number, limitMs: number): boolean {
    const { socket, taken } = this
    if (socket.writableLength === 0) this.taken = undefined
    else {
      const bytes = takenOf(socket)
      if (taken === undefined || bytes - taken.bytes >= MIN_TAKEN_BYTES) this.taken = { bytes, atMs: nowMs }
      else return nowMs - taken.atMs >= limitMs
    }
    return false
  }

  closed(): void {
    clearTimeout(this.idle)
    clearTimeout(this.ending)
  }

  private queue(before: ServerResponse, latest: ServerResponse): void {
    const earlier = (this.earlier ??= [])
    earlier.push(before)
    if (earlier.length < this.looksAt) return
    this.earlier = earlier.filter((one) => !one.writableFinished)
    const { length } = this.earlier
    this.looksAt = Math.max(MAX_WAITING, 2 * length)
    if (length >= MAX_IN_PACKET) this.socket.destroy()
    else if (length >= MAX_WAITING) setImmediate(() => this.pauseUntil(latest))
  }

  /** Call it when a packet has been parsed: Node reads on after each request. */
  private pauseUntil(latest: ServerResponse): void {
    if (latest.writableFinished) return
    this.socket.pause()
    latest.once('close', () => this.socket.resume())
  }

  /** An answer that says `close` is the last that Node sends, so the one before must not say it. */
  private endWith(response: ServerResponse): void {
    if (this.last?.headersSent === false) this.last.shouldKeepAlive = true
    this.last = undefined
    if (response.headersSent || !response.shouldKeepAlive) return
    response.shouldKeepAlive = false
    this.last = response
  }

  /**
   * Ends our side, and lets what still comes fall until the client ends its own (RFC 9112, 9.6). Closed at once, the system would answer a
   * client that is sending with a reset, and many a client then throws away the answers that it has not read yet.
   */
  private endInStages(): void {
    const { socket } = this
    if (socket.readableEnded) return Socket.prototype.destroySoon.call(socket)
    if (socket.destroyed || this.ending !== undefined) return
    this.ending = setTimeout(() => socket.destroy(), ENDING_MS)
    socket.removeAllListeners('data').on('data', () => {})
    socket.once('end', () => socket.destroy())
    socket.resume().end()
  }

  private watch(idleMs: number): void {
    const { bytesRead, bytesWritten } = this.socket
    this.idle = setTimeout(() => {
      const isQuiet = this.socket.bytesRead === bytesRead && this.socket.bytesWritten === bytesWritten
      if (isQuiet && this.isIdle) this.socket.destroySoon()
      else this.watch(idleMs)
    }, idleMs)
  }
}

/** What the system has taken of all that was written to a socket. Only its handle knows how much of one long answer that is. */
const takenOf = (socket: Socket): number => {
  const { _handle: handle } = socket as Socket & {
    _handle?: { bytesWritten?: number; writeQueueSize?: number } | null
  }
  const { bytesWritten, writeQueueSize } = handle ?? {}
  return bytesWritten === undefined || writeQueueSize === undefined
    ? socket.bytesWritten - socket.writableLength
    : bytesWritten - writeQueueSize
}
