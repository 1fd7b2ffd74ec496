import type WebSocket from 'ws'
import { CLOSED, closeNormally, destroy, takeListenersOff } from './socket'

/** How long to wait for the provider's side of a close. */
const PATIENCE_MS = 1_000

/**
 * Sockets that are being ended. Each is gone when its end is confirmed: by the peer, or after it did not do so in time, by the destruction
 * of our side (CN-2, CN-7).
 */
export class Farewell {
  private readonly leaving = new Map<WebSocket, Promise<void>>()

  /** Closes a socket politely, with code 1000. From one that is closed already, only the listeners are removed. */
  take(socket: WebSocket): void {
    if (socket.readyState === CLOSED) return takeListenersOff(socket)
    this.end(socket, closeNormally, (late) => this.cut(late))
  }

  /** Ends a socket at once, without a close handshake. */
  cut(socket: WebSocket): void {
    if (socket.readyState === CLOSED) return
    // A double that cannot be destroyed may never tell of its end.
    if (!destroy(socket)) return
    this.end(
      socket,
      () => {},
      () => {},
    )
  }

  /** Resolves when all have gone. */
  async gone(): Promise<void> {
    while (this.leaving.size > 0) await Promise.all(this.leaving.values())
  }

  private end(
    socket: WebSocket,
    begin: (socket: WebSocket) => void,
    onLate: (socket: WebSocket) => void,
  ): void {
    if (this.leaving.has(socket)) return
    let resolve!: () => void
    this.leaving.set(socket, new Promise((settle) => (resolve = settle)))
    const leave = (): void => {
      clearTimeout(patience)
      this.leaving.delete(socket)
      resolve()
    }
    const patience = setTimeout(() => {
      leave()
      onLate(socket)
    }, PATIENCE_MS)
    socket.addEventListener('close', () => {
      leave()
      takeListenersOff(socket)
    })
    begin(socket)
  }
}
