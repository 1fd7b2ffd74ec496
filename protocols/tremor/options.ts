import { type CodecLimits } from './codecs/limits'
import { type ProviderResult } from '../../src/public/util/types'
import { type SubscriptionDeltas } from '../../src/public/transports/abstract/streaming'
import { type TypeFromDefinition } from '../../src/public/validation/input-params'
import { type EndpointContext } from '../../src/public/adapter/types'
import { type TransportGenerics } from '../../src/public/transports'
import { type PeerAccount } from './admission'
import { type ConnectorEvent, type ErrorEvent, type OutgoingEvent, type SendResult } from './events'

/** What one connection may cost. Times in ms, sizes in bytes. */
export interface TremorLimits {
  /** A larger message ends its connection with 1009. Default 1 MiB. */
  maxMessageBytes?: number
  /** Where a peer does not read and this much waits for it, its connection is closed with 1013. Default 1 MiB. */
  maxBufferedBytes?: number
  /**
   * Events that come out of preprocessors and codec, or messages that become none. More are not lost: reading pauses until the second is
   * over. Default 1 000 of a peer, 20 000 of a provider.
   */
  maxMessagesPerSecond?: number
  /** As received, or as unpacked where that is more. Beyond it reading pauses too. Default 8 MiB of a peer, 64 MiB of a provider. */
  maxBytesPerSecond?: number
  /**
   * The part of our time that its messages may take, from 0 to 1; reading pauses in between. Default 0.25 of a peer, 0.75 of a provider. All
   * connections of a server together get 0.5.
   */
  maxBusyShare?: number
  /** From the connect to the end of the upgrade: TCP, TLS and HTTP together. Default 10 000. */
  handshakeTimeoutMs?: number
  /** A connection is pinged this often; 0 never. Default 30 000. */
  pingEveryMs?: number
  /** After so many pings without an answer the peer is dead. Default 2. */
  maxMissedPongs?: number
  /** Servers: peers at once; more are refused with 503. Callers in the handshake have places of their own. Default 100. */
  maxConnections?: number
  /** Servers: connections at once under one name of `peers`; further ones are closed with 1013. Default 10. */
  maxConnectionsPerPeer?: number
  /** What preprocessors and codec may hold and make, for each stream. Defaults as in the codecs. */
  codec?: Partial<CodecLimits>
}

export interface WsClientConfig {
  type: 'ws_client'
  /** The definition in the form of the connector's own documentation; read and checked when the adapter starts. */
  definition: unknown
  /** Sent with the upgrade. Default none. Not sent anywhere else: redirects are not followed. */
  headers?: Record<string, string>
  limits?: TremorLimits
}

export interface WsServerConfig {
  type: 'ws_server'
  /** The definition in the form of the connector's own documentation; read and checked when the adapter starts. */
  definition: unknown
  /** Who may push. Default: no accounts, so that anybody may; this is allowed on an address of this machine only. */
  peers?: readonly PeerAccount[]
  /** PEM file of the authorities that sign the peers' certificates: TLS then asks for one of these. Default: it asks for none. */
  clientCaFile?: string
  /** The variables that say so, for what is wrong at the start. Default: the names in the definition. */
  variables?: { listen?: string; cert?: string; key?: string; clientCa?: string }
  /** Opens an address that others reach to everybody. Default false. */
  mayAnybodyPush?: boolean
  limits?: TremorLimits
}

export type ConnectorConfig = WsClientConfig | WsServerConfig

/** What a handler gets together with the event. */
export interface EventTools<T extends TransportGenerics> {
  context: EndpointContext<T>
  /** Sends to the connection that the event came from, unless the event to send says where to. */
  send: (event: OutgoingEvent) => SendResult
  /** Counts an event that cannot be made anything of; `why` must hold nothing secret. */
  refuse: (why: string) => void
}

export interface TremorOptions<T extends TransportGenerics> {
  /** The connector, from settings. Called once, when the adapter starts. What it throws keeps the adapter from starting. */
  connector: (adapterSettings: T['Settings']) => ConnectorConfig
  handlers: {
    /** Turns an event into values or refusals for feeds. What it throws costs this event only. Must not return a promise. */
    event: (event: ConnectorEvent, tools: EventTools<T>) => ProviderResult<T>[] | undefined
    /** Hears of content that could not be decoded, which is counted already. What it throws is counted. */
    error?: (error: ErrorEvent, tools: Pick<EventTools<T>, 'context' | 'send'>) => void
    /** Clients: what to send first on each new connection. Default: nothing. */
    open?: (context: EndpointContext<T>) => OutgoingEvent[]
  }
  /**
   * Clients: what to send when feeds become wanted or unwanted; on a new connection everything wanted is new. Default: nothing is sent,
   * the provider knows what to push.
   */
  requests?: (
    subscriptions: SubscriptionDeltas<TypeFromDefinition<T['Parameters']>>,
    context: EndpointContext<T>,
  ) => OutgoingEvent[]
  /**
   * For how long the value of a better-ranked peer keeps those of worse ones out, in ms since it was received. Default: `CACHE_MAX_AGE`,
   * as long as it can be served.
   */
  freshForMs?: (adapterSettings: T['Settings']) => number
}
