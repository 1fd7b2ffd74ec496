import { EventEmitter } from 'node:events'
import WebSocket from 'ws'
import { type Venue } from './venue'

/** How long anything takes on its way, in ms. */
const TRANSIT_MS = 5

/** Venues by their host names. */
export const venues = new Map<string, Venue>()

/** Both ends of a connection that exists in virtual time alone: ours is used by transports in the place of a WebSocket of `ws`. */
export class VirtualSocket extends EventEmitter {
  readyState: number = WebSocket.CONNECTING
  /** We have left it, whether or not the other end knows. */
  isLeft = false
  /** The other end neither reads nor writes. */
  isFrozen = false
  /** When it was opened, and frozen, by the true time. */
  openedMs = 0
  frozenMs = 0
  endedMs: number | undefined
  /** When messages came in the last window. */
  readonly came: number[] = []
  /** What is subscribed on it: how often each. */
  readonly subscribed = new Map<string, number>()
  private readonly venue: Venue | undefined

  constructor(
    readonly url: string,
    _protocols?: unknown,
    readonly options: { headers?: Record<string, string> } = {},
  ) {
    super()
    this.venue = venues.get(new URL(url).hostname)
    this.later(() => (this.venue === undefined ? this.fail('no such host') : this.venue.dialled(this)))
  }

  addEventListener(type: string, listener: (event: object) => void): void {
    this.on(type, listener)
  }

  removeEventListener(type: string, listener: (event: object) => void): void {
    this.off(type, listener)
  }

  send(data: unknown): void {
    if (this.readyState === WebSocket.CONNECTING) throw new Error('not open')
    if (this.readyState !== WebSocket.OPEN) return
    this.later(() => this.isHeard && this.venue?.received(this, String(data)))
  }

  ping(): void {
    if (this.readyState !== WebSocket.OPEN) return
    this.later(() => {
      if (!this.isHeard) return
      this.venue?.pinged(this)
      this.later(() => this.readyState === WebSocket.OPEN && this.emit('pong', Buffer.alloc(0)))
    })
  }

  close(): void {
    this.isLeft = true
    if (this.readyState >= WebSocket.CLOSING) return
    this.readyState = WebSocket.CLOSING
    // A frozen end answers nothing; a dead one is destroyed by us after a while.
    this.later(() => !this.isFrozen && this.later(() => this.end(1000)))
  }

  terminate(): void {
    this.isLeft = true
    if (this.readyState === WebSocket.CLOSED) return
    this.readyState = WebSocket.CLOSING
    // As ws does it: not within the call.
    process.nextTick(() => this.end(1006))
  }

  /** The other end takes the connection. */
  open(): void {
    if (this.readyState !== WebSocket.CONNECTING) return
    this.readyState = WebSocket.OPEN
    this.emit('open', {})
  }

  /** It does not, or the connection breaks. */
  fail(why: string): void {
    if (this.readyState >= WebSocket.CLOSING) return
    if (this.listenerCount('error') > 0) this.emit('error', { message: why, error: new Error(why) })
    process.nextTick(() => this.end(1006))
  }

  /** The connection has ended. */
  end(code: number, reason = ''): void {
    if (this.readyState === WebSocket.CLOSED) return
    this.readyState = WebSocket.CLOSED
    this.venue?.ended(this)
    this.emit('close', { code, reason })
  }

  /** The other end sends. @returns whether it can arrive at a connection that we have not left */
  deliver(message: unknown): boolean {
    if (this.readyState !== WebSocket.OPEN && this.readyState !== WebSocket.CLOSING) return false
    const isHeard = !this.isLeft
    this.emit('message', { data: typeof message === 'string' ? message : JSON.stringify(message) })
    return isHeard
  }

  private get isHeard(): boolean {
    return !this.isFrozen && this.readyState !== WebSocket.CLOSED
  }

  private later(run: () => void): void {
    setTimeout(run, TRANSIT_MS)
  }
}
