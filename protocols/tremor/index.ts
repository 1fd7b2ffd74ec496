export { type PeerAccount } from './admission'
export { type CircuitState } from './circuit'
export {
  type ConnectorEvent,
  type ErrorEvent,
  type EventOrigin,
  type Metadata,
  type OutgoingEvent,
  type Peer,
  type SendFailure,
  type SendResult,
} from './events'
export { type TremorFault } from './faults'
export {
  type ConnectorConfig,
  type EventTools,
  type TremorLimits,
  type TremorOptions,
  type WsClientConfig,
  type WsServerConfig,
} from './options'
export { TremorTransport } from './tremor-transport'
