import WebSocket, { type RawData } from 'ws'

export { WebSocket, type RawData as WebSocketRawData }
export { WebSocketClassProvider } from './websocket/class-provider'
export {
  type WebSocketTransportConfig,
  type WebSocketUrlConfigFunctionParameters,
  type WebsocketTransportGenerics,
} from './websocket/config'
export { WebsocketReverseMappingTransport } from './websocket/reverse-mapping-transport'
export { WebSocketTransport } from './websocket/websocket-transport'
