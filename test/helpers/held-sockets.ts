import { vi } from 'vitest'
import WebSocket, { type ClientOptions } from 'ws'
import { WebSocketClassProvider } from '../../src/connections/class-provider'
import { FAKED } from '../transports/websocket/support'

/** The adapter's ends of all connections that have not ended. */
const sockets = new Set<WatchedSocket>()
let sent = 0

class WatchedSocket extends WebSocket {
  unanswered = 0

  constructor(url: string, protocols?: string | string[], options?: ClientOptions) {
    super(url, protocols, options)
    sockets.add(this)
    const send = super.send.bind(this)
    this.send = (...args: unknown[]) => {
      sent++
      Reflect.apply(send, this, args)
    }
  }

  // Listeners may be removed.
  override emit(event: string, ...args: unknown[]): boolean {
    if (event === 'pong') this.unanswered--
    if (event === 'close') sockets.delete(this)
    return super.emit(event, ...args)
  }

  /** Past what counts the adapter's own frames. */
  ask(): void {
    if (this.readyState !== WebSocket.OPEN) return
    this.unanswered++
    WebSocket.prototype.ping.call(this)
  }

  /** Whether something may be under way: frames of ours before the venue's pong, frames of the venue's before it, a handshake, a close. */
  get isBusy(): boolean {
    return this.readyState !== WebSocket.OPEN || this.unanswered > 0
  }
}

/** From now on the clock stands still while anything is under way on the adapter's sockets. */
export const holdClock = (): void => {
  WebSocketClassProvider.set(WatchedSocket)
  vi.useFakeTimers(FAKED)
}
export const letClockGo = (): void => {
  vi.useRealTimers()
  WebSocketClassProvider.set(WebSocket)
  sockets.clear()
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
/** A woken loop first gathers what else is wanted, for some turns. */
const TURNS = 5

/** Lets everything react, and what it sends arrive, until nothing more is sent. */
const settle = async () => {
  let before: number
  do {
    before = sent
    for (let i = 0; i < TURNS; i++) await turn()
    for (const socket of sockets) socket.ask()
    while ([...sockets].some(({ isBusy }) => isBusy)) await turn()
  } while (sent > before)
}

const STEP_MS = 50

/** The clock stands still while anything is under way, so the machine's speed counts for nothing. */
export const pause = async (ms: number) => {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    await vi.advanceTimersByTimeAsync(STEP_MS)
    await settle()
  }
}
