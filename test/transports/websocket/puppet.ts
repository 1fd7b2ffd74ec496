import { EventEmitter } from 'node:events'
import WebSocket from 'ws'

/** A socket that does only what it is told, when it is told, and remembers what was done to it. */
export class Puppet extends EventEmitter {
  readyState: number = WebSocket.CONNECTING
  /** We told it to go. */
  isDismissed = false
  readonly sent: string[] = []

  constructor(readonly url: string) {
    super()
    world.sockets.push(this)
    if (world.isFair) setTimeout(() => this.open(), 5)
  }

  addEventListener(type: string, listener: (event: object) => void): void {
    this.on(type, listener)
  }

  open(): void {
    if (this.readyState !== WebSocket.CONNECTING) return
    this.readyState = WebSocket.OPEN
    this.emit('open', {})
  }

  send(text: string): void {
    if (this.readyState !== WebSocket.OPEN) throw new Error('not open')
    this.sent.push(text)
  }

  close(): void {
    this.isDismissed = true
    if (this.readyState === WebSocket.CLOSED) return
    this.readyState = WebSocket.CLOSING
    if (world.isFair) setTimeout(() => this.end(1000), 5)
  }

  terminate(): void {
    this.isDismissed = true
    if (this.readyState === WebSocket.CLOSED) return
    this.readyState = WebSocket.CLOSING
    // As ws does it: not within the call.
    process.nextTick(() => this.end(1006))
  }

  end(code: number): void {
    if (this.readyState === WebSocket.CLOSED) return
    this.readyState = WebSocket.CLOSED
    this.emit('close', { code, reason: '' })
  }

  /** Its peer has announced the end, and stays. */
  announceEnd(): void {
    if (this.readyState === WebSocket.OPEN) this.readyState = WebSocket.CLOSING
  }

  fail(): void {
    if (this.readyState === WebSocket.CLOSED || this.listenerCount('error') === 0) return
    this.emit('error', { message: 'reset', error: new Error('reset') })
    process.nextTick(() => this.end(1006))
  }

  /** What is subscribed at the other end; a feed that is subscribed twice is there twice. */
  get subscribed(): string[] {
    const feeds: string[] = []
    for (const text of this.sent.filter((text) => text !== 'beat')) {
      if (text.startsWith('+')) feeds.push(text.slice(1))
      else feeds.splice(feeds.indexOf(text.slice(1)), 1)
    }
    return feeds.sort()
  }
}

/** All sockets there are; while it is fair, they open and close as they should. */
export const world = { sockets: [] as Puppet[], isFair: false }
