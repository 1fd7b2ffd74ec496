import { type ConnectionStatus } from '../../src/connections/connection-status'
import { type KeeperOptions, type Session } from '../../src/connections/link-keeper'
import { type ReadingLimits } from '../../src/connections/reading-brake'
import { type Reason } from '../../src/transports/peer/terms'
import { type Circuit, type CircuitState } from './circuit'
import { type ConnectorEvent, type ErrorEvent, type OutgoingEvent, type SendResult } from './events'
import { type TremorFault } from './faults'

/**
 * `failed`: gave up for good. `disconnected` is also where one stays that may not try again after a loss (`max_retries` 0). A server is
 * connected while it listens.
 */
export type ConnectorState = 'connecting' | 'connected' | 'disconnected' | 'failed' | 'stopped'

/** A running `ws_client` or `ws_server`. */
export interface Connector {
  readonly state: ConnectorState
  readonly circuit: Circuit
  /** Begins, once. */
  start: () => void
  /** A server begins, and rejects where it cannot listen now, with the cause. A client waits for {@link start}. */
  begin: () => Promise<void>
  /** Flushes and closes what is open; no timer and no socket is left when it resolves. */
  stop: () => Promise<void>
  /** Sends now or fails now: nothing is kept for later. */
  send: (event: OutgoingEvent) => SendResult
  /** For `/status`. */
  status: () => ConnectionStatus[]
  outage: () => Reason | undefined
}

/** What a connector tells. None of these may throw. */
export interface ConnectorPorts {
  /** Whose connections the metrics count them as. */
  app?: KeeperOptions<Session>['app']
  /** Port `out`. */
  onEvent: (event: ConnectorEvent) => void
  /** Port `err`. */
  onError: (error: ErrorEvent) => void
  onFault: (fault: TremorFault, detail: () => unknown, error?: unknown) => void
  /** After each change. */
  onState: (state: ConnectorState) => void
  onCircuit: (state: CircuitState) => void
}

/** What one connection may cost; see `TremorOptions` for the meaning of each. */
export interface ConnectionLimits {
  maxMessageBytes: number
  maxBufferedBytes: number
  maxMessagesPerSecond: number
  maxBytesPerSecond: number
  maxBusyShare: number
  pingEveryMs: number
  maxMissedPongs: number
  handshakeTimeoutMs: number
}

export const readingLimits = ({
  maxMessagesPerSecond,
  maxBytesPerSecond,
  maxBusyShare,
}: ConnectionLimits): ReadingLimits => ({
  messagesPerSecond: maxMessagesPerSecond,
  bytesPerSecond: maxBytesPerSecond,
  busyShare: maxBusyShare,
})
