import type WebSocket from 'ws'
import { OPEN, together } from '../../../connections/socket'
import { type SlidingWindow } from '../../../outbound-http/sliding-window'
import { type RollingLimit, type WebSocketLimits, windowOf } from './limits'

/** The most frames of each kind that wait. One more is not sent, and is reported. */
const MAX_HELD = 10_000

/** Where a window is longer than this, subscriptions leave a part of it to heartbeats and pongs, which cannot wait for so long. */
const MAX_PONG_DELAY_MS = 5_000
const RESERVED_SHARE = 0.1

interface Frame {
  socket: WebSocket
  /** Of its payload; 0 where nobody counts them. */
  bytes: number
  send: () => void
}

/** The frames of a socket that count, as methods of it. Test doubles lack some of them. */
const KINDS = ['send', 'ping', 'pong'] as const

/**
 * Keeps the limits of messages and bytes of one connection (SB-7), by what really leaves on its sockets: it stands in front of their methods that send
 * frames. What the window allows goes out in the same turn, the rest later. Bulk comes last, so that a heartbeat does not wait until
 * everything is subscribed. What waits for a connection that has ended is dropped.
 */
export class MessagePacer {
  private readonly window: SlidingWindow | undefined
  private readonly bytes: SlidingWindow | undefined
  private readonly bulkLimit: number
  private readonly bytesReserve: number
  private readonly metered = new WeakSet<WebSocket>()
  private urgent: Frame[] = []
  private bulk: Frame[] = []
  private isBulk = false

  /**
   * @param of.onRoom - called when more may be sent, and no frame waits
   * @param of.onDropped - called for a frame that cannot be sent, on a connection that is open
   */
  constructor(
    { messages, bytes }: Pick<WebSocketLimits, 'messages' | 'bytes'>,
    private readonly of: { onRoom: () => void; onDropped: (error: unknown) => void },
  ) {
    this.window = messages && windowOf(messages, () => this.flush())
    this.bytes = bytes && windowOf(bytes, () => this.flush())
    this.bulkLimit = messages === undefined ? Infinity : messages.count - reserveOf(messages)
    this.bytesReserve = bytes === undefined ? 0 : reserveOf(bytes)
  }

  get isLimited(): boolean {
    return this.window !== undefined || this.bytes !== undefined
  }

  /** How long a frame of the author may wait at most, in ms. */
  get urgentDelayMs(): number {
    return Math.min(Math.max(this.window?.lengthMs ?? 0, this.bytes?.lengthMs ?? 0), MAX_PONG_DELAY_MS)
  }

  /**
   * Whether a message in bulk would be sent in any window, however empty.
   *
   * @param text - gives the message as it is sent; called where bytes are limited
   */
  canCarry(text: () => string): boolean {
    return this.bytes === undefined || bytesOf(text()) + this.bytesReserve <= this.bytes.limit
  }

  /** How many messages in bulk would be sent at once. */
  get room(): number {
    if (!this.isLimited) return Infinity
    if (this.urgent.length + this.bulk.length > 0 || !this.hasBytesFor(1, true)) return 0
    return Math.max(0, this.bulkLimit - (this.window?.spent ?? 0))
  }

  /** Whether messages of a socket wait for their turn. */
  isHolding(socket: WebSocket | undefined): boolean {
    const isOf = (frame: Frame) => frame.socket === socket
    return this.bulk.some(isOf) || this.urgent.some(isOf)
  }

  /** From now on what is sent on this socket counts. */
  meter(socket: WebSocket | undefined): void {
    if (!this.isLimited || socket === undefined || this.metered.has(socket)) return
    this.metered.add(socket)
    this.urgent = this.urgent.filter(isSendable)
    this.bulk = this.bulk.filter(isSendable)
    for (const kind of KINDS) {
      const original: unknown = Reflect.get(socket, kind)
      if (typeof original !== 'function') continue
      const paced = (...args: unknown[]): void =>
        this.pass({
          socket,
          bytes: this.bytes === undefined ? 0 : bytesOf(args[0]),
          send: () => void Reflect.apply(original, socket, args),
        })
      Object.assign(socket, { [kind]: paced })
    }
  }

  /** What is sent during the call is bulk, such as the messages of many feeds. */
  inBulk(send: () => void): void {
    this.isBulk = true
    try {
      send()
    } finally {
      this.isBulk = false
    }
  }

  stop(): void {
    this.window?.stop()
    this.bytes?.stop()
    this.urgent = []
    this.bulk = []
  }

  private pass(frame: Frame): void {
    const { isBulk } = this
    const queue = isBulk ? this.bulk : this.urgent
    // The socket itself says what is wrong.
    if (!isSendable(frame)) frame.send()
    else if (queue.length === 0 && this.allows(frame, isBulk)) this.release(frame)
    else if (queue.length < MAX_HELD) queue.push(frame)
    else this.of.onDropped(new Error(`More than ${MAX_HELD} messages wait for their turn`))
  }

  private allows({ bytes }: Frame, isBulk: boolean): boolean {
    const { spent = 0, limit = Infinity } = this.window ?? {}
    if (!this.hasBytesFor(bytes, isBulk)) return false
    return isBulk ? this.urgent.length === 0 && spent < this.bulkLimit : spent < limit
  }

  private hasBytesFor(bytes: number, isBulk: boolean): boolean {
    return this.bytes?.hasRoomFor(bytes + (isBulk ? this.bytesReserve : 0)) ?? true
  }

  private release({ bytes, send }: Frame): void {
    this.window?.spend(1)
    this.bytes?.spend(bytes)
    send()
  }

  private flush(): void {
    this.drain(this.urgent, false)
    this.drain(this.bulk, true)
    if (this.room > 0) this.of.onRoom()
  }

  private drain(queue: Frame[], isBulk: boolean): void {
    together(queue[0]?.socket, () => {
      while (queue[0] !== undefined && this.allows(queue[0], isBulk)) {
        const frame = queue.shift()!
        if (!isSendable(frame)) continue
        try {
          this.release(frame)
        } catch (error) {
          this.of.onDropped(error)
        }
      }
    })
  }
}

const reserveOf = ({ count, perMs }: RollingLimit): number =>
  perMs <= MAX_PONG_DELAY_MS || count === 1 ? 0 : Math.max(1, Math.floor(count * RESERVED_SHARE))

/** What `ws` takes as data. */
const bytesOf = (data: unknown): number => {
  if (data === undefined) return 0
  if (Array.isArray(data)) return data.reduce<number>((sum, part) => sum + bytesOf(part), 0)
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return data.byteLength
  return Buffer.byteLength(typeof data === 'string' ? data : `${data as number}`)
}

/** A double may have no state. */
const isSendable = ({ socket: { readyState } }: { socket: Partial<WebSocket> }): boolean =>
  readyState === undefined || readyState === OPEN
