import WebSocket, { type ClientOptions, type RawData } from 'ws'

export { WebSocket, type RawData as WebSocketRawData }

export type WebSocketClass = new (
  url: string,
  protocols?: string | string[],
  options?: ClientOptions,
) => WebSocket

/** Where all outbound WebSockets come from, so that a test can put in a class of its own. */
export class WebSocketClassProvider {
  static ctor: WebSocketClass = WebSocket

  static set(ctor: WebSocketClass): void {
    this.ctor = ctor
  }

  static get(): WebSocketClass {
    return this.ctor
  }
}
