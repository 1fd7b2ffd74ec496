import WebSocket, { type ClientOptions, type RawData } from 'ws'

export { WebSocket, type RawData as WebSocketRawData }

export type WebSocketClass = new (
  url: string,
  protocols?: string | string[],
  options?: ClientOptions,
) => WebSocket

/** Gives the class of all outbound WebSockets, so that a test can set a class of its own. */
export class WebSocketClassProvider {
  static ctor: WebSocketClass = WebSocket

  static set(ctor: WebSocketClass): void {
    this.ctor = ctor
  }

  static get(): WebSocketClass {
    return this.ctor
  }
}
