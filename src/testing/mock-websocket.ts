import { WebSocket } from 'mock-socket'
import { type WebSocketClass, type WebSocketClassProvider } from '../connections/class-provider'

export { Server as MockWebsocketServer, WebSocket as MockWebsocket } from 'mock-socket'

type Listener = (...args: unknown[]) => void

/** What a mock server listens for on its side of a connection; it keeps that in the same place as the client's listeners. */
const SERVER_SIDE = 'server::'

/** A mock socket with what transports use of a `ws` one beyond the standard. */
class MockWebSocket extends WebSocket {
  private readonly emitter = new Map<string, Listener[]>()

  removeAllListeners(): void {
    const listeners = this.listeners as Record<string, unknown>
    for (const type of Object.keys(listeners)) if (!type.startsWith(SERVER_SIDE)) delete listeners[type]
    this.emitter.clear()
  }

  /** For events that the standard does not know (`ping`, `pong`); they come from {@link emit} alone. */
  on(event: string, listener: Listener): this {
    this.emitter.set(event, [...(this.emitter.get(event) ?? []), listener])
    return this
  }

  emit(event: string, ...args: unknown[]): boolean {
    const listeners = this.emitter.get(event) ?? []
    for (const listener of listeners) listener(...args)
    return listeners.length > 0
  }
}

/**
 * Has transports connect to mock servers from here on.
 *
 * @param provider - the class that the transports under test use. There may be several copies of this package in one test; this one
 *   cannot know which is meant
 */
export const mockWebSocketProvider = (provider: typeof WebSocketClassProvider): void => {
  provider.set(MockWebSocket as unknown as WebSocketClass)
}
