import { type ServerResponse } from 'node:http'
import { type Socket } from 'node:net'

const STOPPING = JSON.stringify({
  statusCode: 503,
  error: 'Service Unavailable',
  message: 'The service stops, and could not answer in time',
})

const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'content-length': STOPPING.length }

/** One connection of a client, which may send its next request before the last one is answered. */
export class OpenConnection {
  /** The newest request's. */
  private latest: ServerResponse | undefined
  /** Those before it that are not sent yet; undefined as long as requests come one by one. */
  private earlier: ServerResponse[] | undefined
  /** Defined while the connection is being ended: nothing may come for this long. */
  private idleMs: number | undefined
  private idle: NodeJS.Timeout | undefined
  /** The response that we made the last one. */
  private last: ServerResponse | undefined

  constructor(readonly socket: Socket) {}

  /** A request has been parsed. */
  begin(response: ServerResponse): void {
    const { latest } = this
    if (latest !== undefined && !latest.writableFinished)
      this.earlier = [...(this.earlier ?? []).filter((one) => !one.writableFinished), latest]
    this.latest = response
    if (this.idleMs !== undefined) this.endWith(response)
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

  closed(): void {
    clearTimeout(this.idle)
  }

  /** An answer that says `close` is the last that Node sends, so the one before must not say it. */
  private endWith(response: ServerResponse): void {
    if (this.last?.headersSent === false) this.last.shouldKeepAlive = true
    this.last = undefined
    if (response.headersSent || !response.shouldKeepAlive) return
    response.shouldKeepAlive = false
    this.last = response
  }

  private watch(idleMs: number): void {
    const { bytesRead, bytesWritten } = this.socket
    this.idle = setTimeout(() => {
      const isQuiet = this.socket.bytesRead === bytesRead && this.socket.bytesWritten === bytesWritten
      const isAnswered = this.latest === undefined || this.latest.writableFinished
      if (isQuiet && isAnswered) this.socket.destroySoon()
      else this.watch(idleMs)
    }, idleMs)
  }
}
