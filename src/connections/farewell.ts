import type WebSocket from 'ws'
import { CLOSED, closeNormally, destroy, takeListenersOff } from './socket'

/** How long the provider's side of a close is waited for. */
const PATIENCE_MS = 1_000

/** Sockets that were told to close with code 1000: gone when the peer agrees, destroyed when it does not in time (CN-2). */
export class Farewell {
  private readonly leaving = new Map<WebSocket, Promise<void>>()

  /** One that is closed already only loses its listeners. */
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
