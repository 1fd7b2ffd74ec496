/** The work is in connections/, transports/. */
export { WebSocket, WebSocketClassProvider, type WebSocketRawData } from '../../connections/class-provider'
export { type CredentialConfig, type IssuedCredential } from '../../connections/credential'
export {
  type Acceptance,
  type Asking,
  type BatchedTransportConfig,
  type Batches,
  type FeedName,
  type Said,
  type Session,
  type SubscriptionRefusal,
} from '../../transports/websocket/batches/batches'
export {
  type WebSocketCredentialParameters,
  type WebSocketTransportConfig,
  type WebSocketUrlConfigFunctionParameters,
  type WebsocketTransportGenerics,
  type WebSocketUrlsConfig,
} from '../../transports/websocket/config'
export { WebsocketReverseMappingTransport } from '../../transports/websocket/reverse-mapping-transport'
export { WebSocketTransport } from '../../transports/websocket/websocket-transport'
