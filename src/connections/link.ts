import { errorOf } from '../util/objects'
import { type Socket } from 'node:net'
import type WebSocket from 'ws'
import { makeLogger } from '../util/logging'
import { beginningOf } from '../util/redaction'
import { AnnouncedEnd } from './announced-end'
import { OPEN } from './socket'

const logger = makeLogger('Link')

/** How a link ended. It is given once, and nothing comes after it. */
export interface LinkClose {
  /** The close code of RFC 6455: 1005 for a close frame without a code, 1006 for an end without a close frame. */
  code: number
  /** The peer's own text, cut to 200 characters. For logs only. */
  reason: string
  /** The error that was noticed first, if any: the link then did not end in the ordinary way. */
  cause?: Error
}

export interface LinkListener {
  /**
   * Called with one whole data message; a text message comes as its UTF-8 bytes. An error that it throws ends the link with code 1011, so
   * catch errors about bad content yourself.
   */
  message: (data: Buffer, isBinary: boolean) => void
  close?: (close: LinkClose) => void
}

export interface LinkLimits {
  /** Interval between pings, in ms. Absent or 0: no pings. */
  pingEveryMs?: number
  /** The peer counts as dead when this many pings are unanswered and nothing else was received. Default 2. */
  maxMissedPongs?: number
  /** When more bytes than this wait for a peer that does not read, nothing more is queued. Default 1 MiB. */
  maxBufferedBytes?: number
  /** How long a polite close waits for the peer's answer, in ms. Default 2 000. */
  closeTimeoutMs?: number
}

export interface Address {
  host: string
  port: number
}

/** `full`: too much waits for a peer that does not read, and the message was dropped. */
export type SendOutcome = 'sent' | 'closed' | 'full'

const MAX_REASON_CHARACTERS = 200

/** An IPv4 address that a dual-stack socket reports as IPv6 is given in its IPv4 form. */
const addressOf = (host: string | undefined, port: number | undefined): Address => ({
  host: (host ?? '').replace(/^::ffff:(?=\d+\.)/, ''),
  port: port ?? 0,
})

/**
 * One open WebSocket of a protocol transport, whichever side opened it. Nothing is read before {@link Link.listen}, so that no message is
 * lost between the handshake and the listener, and none during a pause. After the end, or after {@link Link.close}, no more messages are
 * delivered.
 */
export class Link {
  /** Resolves when the link has ended, whatever ended it. Never rejects. */
  readonly closed: Promise<LinkClose>
  /**
   * Resolves when the end has been announced; {@link Link.closed} follows in about a second at most. It stays pending when an end comes
   * unannounced.
   */
  readonly closing: Promise<void>
  readonly peer: Address
  readonly local: Address
  readonly protocol: string
  readonly openedAtUnixMs = Date.now()

  private listener: LinkListener | undefined
  private isEnding = false
  /** Messages of a pause: they were read from the wire together with one before it. */
  private held: { data: Buffer; isBinary: boolean }[] = []
  private isPaused = false
  /** Whether it was us who ended it. */
  private isLeft = false
  private settle!: (close: LinkClose) => void
  /** How the link ended during a pause. It is told when what came before has been delivered. */
  private untold: LinkClose | undefined
  private cause: Error | undefined
  private missedPongs = 0
  private pinging: ReturnType<typeof setInterval> | undefined
  private farewell: ReturnType<typeof setTimeout> | undefined
  private announcedEnd!: AnnouncedEnd

  /**
   * @param socket - must be open, and given in the same tick in which it opened
   * @param wire - the TCP connection below it, for the addresses and for an announced end
   */
  constructor(
    private readonly socket: WebSocket,
    wire: Socket | undefined,
    private readonly limits: LinkLimits = {},
  ) {
    this.peer = addressOf(wire?.remoteAddress, wire?.remotePort)
    this.local = addressOf(wire?.localAddress, wire?.localPort)
    this.protocol = socket.protocol
    socket.pause()
    socket.on('message', (data: Buffer, isBinary: boolean) => this.received(data, isBinary))
    socket.on('pong', () => (this.missedPongs = 0))
    socket.on('ping', () => (this.missedPongs = 0))
    socket.on('error', (error) => (this.cause ??= error))
    this.closing = new Promise((resolve) => (this.announcedEnd = new AnnouncedEnd(socket, resolve)))
    if (wire !== undefined) this.announcedEnd.watch(wire)
    this.closed = new Promise((resolve) => (this.settle = resolve))
    socket.on('close', (code: number, reason: Buffer) => this.ended(code, reason))
    const { pingEveryMs = 0 } = limits
    if (pingEveryMs > 0) this.pinging = setInterval(() => this.ping(), pingEveryMs)
  }

  get isOpen(): boolean {
    return !this.isEnding && this.socket.readyState === OPEN
  }

  /** Bytes that are queued because the peer has not read them yet. */
  get bufferedBytes(): number {
    return this.socket.bufferedAmount
  }

  /** Begins to read. A second call replaces the listener. */
  listen(listener: LinkListener): void {
    const isFirst = this.listener === undefined
    this.listener = listener
    if (isFirst) this.socket.resume()
  }

  /** Sends a message: a buffer as a binary message unless `isBinary` says otherwise, a string as text. */
  send(data: string | Buffer, isBinary = typeof data !== 'string'): SendOutcome {
    if (!this.isOpen) return 'closed'
    if (this.bufferedBytes > (this.limits.maxBufferedBytes ?? 1_048_576)) return 'full'
    this.socket.send(data, { binary: isBinary }, (error) => {
      if (error) this.cause ??= error
    })
    return 'sent'
  }

  /**
   * Stops reading at once, which the peer notices as back-pressure. No pings are sent during a pause, and a pause does not count as silence.
   * An end that comes during a pause is told after it, behind the messages that came before; so see to it that every pause ends.
   */
  pause(): void {
    // The answer to our close frame has to be read.
    if (this.isLeft) return
    this.isPaused = true
    this.socket.pause()
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.deliverHeld()
    // A message may have been one too many.
    if (this.isPaused as boolean) return
    this.socket.resume()
    if (this.untold !== undefined) this.tellEnd(this.untold)
  }

  /** Closes politely: sends the close frame, then waits for the peer's answer or the time limit. Resolves when the link has ended. */
  close(code = 1000, reason = ''): Promise<LinkClose> {
    this.leave()
    if (this.isEnding) return this.closed
    this.isEnding = true
    this.farewell = setTimeout(() => this.socket.terminate(), this.limits.closeTimeoutMs ?? 2_000)
    // A paused socket would never read the answer.
    this.socket.resume()
    this.socket.close(code, reason)
    return this.closed
  }

  /** Ends the link at once without a close frame, for a dead or hostile peer. */
  destroy(cause?: Error): void {
    this.isEnding = true
    this.cause ??= cause
    this.leave()
    this.socket.terminate()
  }

  private received(data: Buffer, isBinary: boolean): void {
    this.missedPongs = 0
    if (this.isEnding) return
    // The library hands over all messages of one read, also after it has been told to pause.
    if (this.isPaused) this.held.push({ data, isBinary })
    else this.deliver(data, isBinary)
  }

  private deliverHeld(): void {
    const { held } = this
    let delivered = 0
    // Another one is there where the link was closed meanwhile.
    for (; this.held === held && delivered < held.length && !this.isPaused; delivered++) {
      const { data, isBinary } = held[delivered]!
      this.deliver(data, isBinary)
    }
    if (this.held === held) this.held = held.slice(delivered)
  }

  /** We have had enough: what was held is not wanted any more. */
  private leave(): void {
    this.isLeft = true
    this.held = []
    this.isPaused = false
    if (this.untold !== undefined) this.tellEnd(this.untold)
  }

  private ended(code: number, reason: Buffer): void {
    this.isEnding = true
    clearInterval(this.pinging)
    clearTimeout(this.farewell)
    this.announcedEnd.over()
    const text = beginningOf(reason.toString('utf8'), MAX_REASON_CHARACTERS, '')
    const close: LinkClose = { code, reason: text, ...(this.cause && { cause: this.cause }) }
    if (this.isPaused) this.untold = close
    else this.tellEnd(close)
  }

  private tellEnd(close: LinkClose): void {
    this.untold = undefined
    this.settle(close)
    try {
      this.listener?.close?.(close)
    } catch (err) {
      logger.error({ err }, 'What follows the end of a link failed')
    }
  }

  private deliver(data: Buffer, isBinary: boolean): void {
    try {
      this.listener?.message(data, isBinary)
    } catch (error) {
      this.cause ??= errorOf(error)
      void this.close(1011)
    }
  }

  private ping(): void {
    this.announcedEnd.look()
    if (!this.isOpen || this.socket.isPaused) return
    if (this.missedPongs >= (this.limits.maxMissedPongs ?? 2))
      return this.destroy(new Error(`The peer left ${this.missedPongs} pings unanswered`))
    this.missedPongs++
    this.socket.ping()
  }
}
