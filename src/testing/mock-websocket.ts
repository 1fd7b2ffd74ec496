import { WebSocket } from 'mock-socket'
import { type WebSocketClass, type WebSocketClassProvider } from '../connections/class-provider'

export { Server as MockWebsocketServer, WebSocket as MockWebsocket } from 'mock-socket'

type Listener = (...args: unknown[]) => void

/** Prefix of a mock server's own listeners, which mock-socket keeps together with the client's listeners. */
const SERVER_SIDE = 'server::'

/** A mock socket with the methods of `ws` that transports use and the standard does not have. */
class MockWebSocket extends WebSocket {
  private readonly emitter = new Map<string, Listener[]>()

  removeAllListeners(): void {
    const listeners = this.listeners as Record<string, unknown>
    for (const type of Object.keys(listeners)) if (!type.startsWith(SERVER_SIDE)) delete listeners[type]
    this.emitter.clear()
  }

  /** For events that the standard does not have (`ping`, `pong`). Only {@link emit} triggers them. */
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
 * Makes transports connect to mock servers from now on.
 *
 * @param provider - the class that the transports under test use. It has to be given, because a test may load several copies of this
 *   package
 */
export const mockWebSocketProvider = (provider: typeof WebSocketClassProvider): void => {
  provider.set(MockWebSocket as unknown as WebSocketClass)
}
