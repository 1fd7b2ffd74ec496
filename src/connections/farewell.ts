import type WebSocket from 'ws'
import { CLOSED, closeNormally, destroy, takeListenersOff } from './socket'

/** How long to wait for the provider's side of a close. */
const PATIENCE_MS = 1_000

/**
 * Sockets that are being closed with code 1000. Each is gone when the peer confirms, and is destroyed when it does not do so in time
 * (CN-2).
 */
export class Farewell {
  private readonly leaving = new Map<WebSocket, Promise<void>>()

  /** Closes a socket politely. From one that is closed already, only the listeners are removed. */
  take(socket: WebSocket): void {
    if (socket.readyState === CLOSED) return takeListenersOff(socket)
    if (this.leaving.has(socket)) return
    let resolve!: () => void
    this.leaving.set(socket, new Promise((settle) => (resolve = settle)))
    const end = (): void => {
      clearTimeout(patience)
      this.leaving.delete(socket)
      takeListenersOff(socket)
      resolve()
    }
    const patience = setTimeout(() => {
      this.leaving.delete(socket)
      destroy(socket)
      resolve()
    }, PATIENCE_MS)
    socket.addEventListener('close', end)
    closeNormally(socket)
  }

  /** Resolves when all have gone. */
  async gone(): Promise<void> {
    await Promise.all(this.leaving.values())
  }
}
