import type WebSocket from 'ws'
import { OPEN, together } from '../../../connections/socket'
import { type SlidingWindow } from '../../../outbound-http/sliding-window'
import { type RollingLimit, windowOf } from './limits'

/** The most frames of each kind that wait. One more is not sent, and is reported. */
const MAX_HELD = 10_000

/** Where a window is longer than this, subscriptions leave a part of it to heartbeats and pongs, which cannot wait for so long. */
const MAX_PONG_DELAY_MS = 5_000
const RESERVED_SHARE = 0.1

interface Frame {
  socket: WebSocket
  send: () => void
}

/** The frames of a socket that count, as methods of it. Test doubles lack some of them. */
const KINDS = ['send', 'ping', 'pong'] as const

/**
 * Keeps the limit of messages of one connection (SB-7), by what really leaves on its sockets: it stands in front of their methods that send
 * frames. What the window allows goes out in the same turn, the rest later. Bulk comes last, so that a heartbeat does not wait until
 * everything is subscribed. What waits for a connection that has ended is dropped.
 */
export class MessagePacer {
  private readonly window: SlidingWindow | undefined
  private readonly bulkLimit: number
  private readonly metered = new WeakSet<WebSocket>()
  private urgent: Frame[] = []
  private bulk: Frame[] = []
  private isBulk = false

  /**
   * @param of.onRoom - called when more may be sent, and no frame waits
   * @param of.onDropped - called for a frame that cannot be sent, on a connection that is open
   */
  constructor(
    limit: RollingLimit | undefined,
    private readonly of: { onRoom: () => void; onDropped: (error: unknown) => void },
  ) {
    this.window = limit && windowOf(limit, () => this.flush())
    this.bulkLimit = limit === undefined ? Infinity : limit.count - reserveOf(limit)
  }

  get isLimited(): boolean {
    return this.window !== undefined
  }

  /** How long a frame of the author may wait at most, in ms. */
  get urgentDelayMs(): number {
    return Math.min(this.window?.lengthMs ?? 0, MAX_PONG_DELAY_MS)
  }

  /** How many messages in bulk would be sent at once. */
  get room(): number {
    if (this.window === undefined) return Infinity
    return this.urgent.length + this.bulk.length > 0 ? 0 : Math.max(0, this.bulkLimit - this.window.spent)
  }

  /** Whether messages of a socket wait for their turn. */
  isHolding(socket: WebSocket | undefined): boolean {
    const isOf = (frame: Frame) => frame.socket === socket
    return this.bulk.some(isOf) || this.urgent.some(isOf)
  }

  /** From now on what is sent on this socket counts. */
  meter(socket: WebSocket | undefined): void {
    if (this.window === undefined || socket === undefined || this.metered.has(socket)) return
    this.metered.add(socket)
    this.urgent = this.urgent.filter(isSendable)
    this.bulk = this.bulk.filter(isSendable)
    for (const kind of KINDS) {
      const original: unknown = Reflect.get(socket, kind)
      if (typeof original !== 'function') continue
      const paced = (...args: unknown[]): void =>
        this.pass({ socket, send: () => void Reflect.apply(original, socket, args) })
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
    this.urgent = []
    this.bulk = []
  }

  private pass(frame: Frame): void {
    const { isBulk } = this
    const queue = isBulk ? this.bulk : this.urgent
    // The socket itself says what is wrong.
    if (!isSendable(frame)) frame.send()
    else if (queue.length === 0 && this.allows(isBulk)) this.release(frame)
    else if (queue.length < MAX_HELD) queue.push(frame)
    else this.of.onDropped(new Error(`More than ${MAX_HELD} messages wait for their turn`))
  }

  private allows(isBulk: boolean): boolean {
    const { spent = 0, limit = 0 } = this.window ?? {}
    return isBulk ? this.urgent.length === 0 && spent < this.bulkLimit : spent < limit
  }

  private release({ send }: Frame): void {
    this.window?.spend(1)
    send()
  }

  private flush(): void {
    this.drain(this.urgent, false)
    this.drain(this.bulk, true)
    if (this.room > 0) this.of.onRoom()
  }

  private drain(queue: Frame[], isBulk: boolean): void {
    together(queue[0]?.socket, () => {
      while (queue.length > 0 && this.allows(isBulk)) {
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

/** A double may have no state. */
const isSendable = ({ socket: { readyState } }: { socket: Partial<WebSocket> }): boolean =>
  readyState === undefined || readyState === OPEN
