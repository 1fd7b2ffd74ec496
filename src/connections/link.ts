import { errorOf } from '../util/objects'
import { type Socket } from 'node:net'
import type WebSocket from 'ws'
import { makeLogger } from '../util/logging'
import { AnnouncedEnd } from './announced-end'
import { OPEN } from './socket'

const logger = makeLogger('Link')

/** How a link ended. Given once, and nothing comes after it. */
export interface LinkClose {
  /** RFC 6455; 1005 for a close frame without a code, 1006 for an end without a close frame. */
  code: number
  /** The peer's own words, cut: for logs only. */
  reason: string
  /** Set when it did not end by a close frame: what was noticed. */
  cause?: Error
}

export interface LinkListener {
  /** One whole data message; text comes as its UTF-8 bytes. What it throws ends the link with 1011: catch bad content yourself. */
  message: (data: Buffer, isBinary: boolean) => void
  close?: (close: LinkClose) => void
}

export interface LinkLimits {
  /** Ping after each such interval, in ms; absent or 0: never. */
  pingEveryMs?: number
  /** With so many pings unanswered, and nothing else received, the peer is dead. Default 2. */
  maxMissedPongs?: number
  /** More bytes than this waiting for a peer that does not read, and nothing more is queued. Default 1 MiB. */
  maxBufferedBytes?: number
  /** For how long a polite close waits for the peer's answer, in ms. Default 2 000. */
  closeTimeoutMs?: number
}

export interface Address {
  host: string
  port: number
}

/** `full`: the peer does not read, and the message was dropped. */
export type SendOutcome = 'sent' | 'closed' | 'full'

const MAX_REASON_CHARACTERS = 200

/** An IPv4 address that a dual-stack socket reports as IPv6 goes by its own form. */
const addressOf = (host: string | undefined, port: number | undefined): Address => ({
  host: (host ?? '').replace(/^::ffff:(?=\d+\.)/, ''),
  port: port ?? 0,
})

/**
 * One open WebSocket of a protocol transport, whoever opened it. Nothing is read before {@link Link.listen}, so that no message is lost
 * between the handshake and the listener; after the end, or after {@link Link.close}, no message comes any more.
 */
export class Link {
  /** Resolves with the end of the link, whatever ended it. Never rejects. */
  readonly closed: Promise<LinkClose>
  /** Resolves when the peer has announced its end: {@link Link.closed} follows within a second. Not for an end that comes unannounced. */
  readonly closing: Promise<void>
  readonly peer: Address
  readonly local: Address
  readonly protocol: string
  readonly openedAtUnixMs = Date.now()

  private listener: LinkListener | undefined
  private isEnding = false
  private cause: Error | undefined
  private missedPongs = 0
  private pinging: ReturnType<typeof setInterval> | undefined
  private farewell: ReturnType<typeof setTimeout> | undefined
  private announcedEnd!: AnnouncedEnd

  /**
   * @param socket - open, in the tick in which it opened
   * @param wire - what it runs on, for the addresses
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
    this.closed = new Promise((resolve) => {
      socket.on('close', (code: number, reason: Buffer) => {
        this.isEnding = true
        clearInterval(this.pinging)
        clearTimeout(this.farewell)
        this.announcedEnd.over()
        const text = reason.toString('utf8').slice(0, MAX_REASON_CHARACTERS)
        const close: LinkClose = { code, reason: text, ...(this.cause && { cause: this.cause }) }
        resolve(close)
        try {
          this.listener?.close?.(close)
        } catch (err) {
          logger.error({ err }, 'What follows the end of a link failed')
        }
      })
    })
    const { pingEveryMs = 0 } = limits
    if (pingEveryMs > 0) this.pinging = setInterval(() => this.ping(), pingEveryMs)
  }

  get isOpen(): boolean {
    return !this.isEnding && this.socket.readyState === OPEN
  }

  /** Bytes that wait for the peer to read. */
  get bufferedBytes(): number {
    return this.socket.bufferedAmount
  }

  /** Begins to read. Calling it again puts another listener in the place of the first. */
  listen(listener: LinkListener): void {
    const isFirst = this.listener === undefined
    this.listener = listener
    if (isFirst) this.socket.resume()
  }

  /** Bytes go out as a binary message unless `isBinary` says otherwise, a string as text. */
  send(data: string | Buffer, isBinary = typeof data !== 'string'): SendOutcome {
    if (!this.isOpen) return 'closed'
    if (this.bufferedBytes > (this.limits.maxBufferedBytes ?? 1_048_576)) return 'full'
    this.socket.send(data, { binary: isBinary }, (error) => {
      if (error) this.cause ??= error
    })
    return 'sent'
  }

  /** Stops reading; the peer feels it as back-pressure. Pings are still sent, and a pause does not count as silence. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** A polite end: the close frame, then the peer's answer or the time limit. Resolves when it is over. */
  close(code = 1000, reason = ''): Promise<LinkClose> {
    if (this.isEnding) return this.closed
    this.isEnding = true
    this.farewell = setTimeout(() => this.socket.terminate(), this.limits.closeTimeoutMs ?? 2_000)
    // One that is paused would never see the answer.
    this.socket.resume()
    this.socket.close(code, reason)
    return this.closed
  }

  /** An end without a word, for a dead or hostile peer. */
  destroy(cause?: Error): void {
    this.isEnding = true
    this.cause ??= cause
    this.socket.terminate()
  }

  private received(data: Buffer, isBinary: boolean): void {
    this.missedPongs = 0
    if (this.isEnding) return
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
