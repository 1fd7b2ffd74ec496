import { type SocketOptions } from '../../connections/new-socket'
import type WebSocket from 'ws'
import { type CredentialConfig } from '../../connections/credential'
import { type ProviderResult } from '../../feeds/responses'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { type SubscriptionDeltas } from '../streaming-transport'
import { type EndpointContext, type TransportGenerics } from '../transport'
import { type PulseOptions } from '../../connections/pulse'
import { type WebSocketLimits } from './pacing/limits'

export type WebsocketTransportGenerics = TransportGenerics & {
  Provider: {
    /** One decoded message of the provider. */
    WsMessage: unknown
  }
}

type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>

export interface WebSocketUrlConfigFunctionParameters {
  /**
   * Grows with every abnormal close, and with every pass without a responsive connection. It is 1 at the first connection (contract 17.1).
   * Use it to choose among several URLs.
   */
  streamHandlerInvocationsWithNoConnection: number
  /** What `credential` gave: that of the open connection, or that for the next one. Undefined where the transport has no `credential`. */
  credential?: string | undefined
}

/** Given where the transport has a `credential`, and not else. */
export interface WebSocketCredentialParameters {
  /** What `credential` gave for this connection. */
  credential: string
}

/** One message for each feed. An object is sent as JSON, a string as it is; for undefined nothing is sent. */
export type WebSocketIndividualBuilders<T extends WebsocketTransportGenerics> = {
  subscribeMessage?: (params: Params<T>, context: EndpointContext<T>) => unknown
  unsubscribeMessage?: (params: Params<T>, context: EndpointContext<T>) => unknown
}

/** All messages of one pass at once: for batches, or for another order. */
export type WebSocketCustomBuilders<T extends WebsocketTransportGenerics> = {
  customSubscriptionMessages: (
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ) => unknown[]
}

/** Several URLs of one provider, in place of `url`. */
export interface UrlsConfig<T extends WebsocketTransportGenerics> {
  /**
   * In order of preference: the first one is connected to first. A URL that fails is left for the next one by what is remembered of each,
   * and a better one is returned to when a probe has found it in order. A function is called on every pass of the background loop.
   */
  urls: readonly string[] | ((context: EndpointContext<T>) => Promise<readonly string[]> | readonly string[])
  failover?: {
    /** How long a URL is used at least before a better one is probed, in ms. Default 60 000. */
    dwellMs?: number
    /**
     * The longest time for which another URL is used while a better one is healthy, in ms: pauses between probes grow, but no further than
     * that. Default 300 000. Where it is too short for `dwellMs` and two times `WS_CONNECTION_OPEN_TIMEOUT`, those count.
     */
    returnAfterMs?: number
    /**
     * Rejects where the URL cannot be moved to now. It has `WS_CONNECTION_OPEN_TIMEOUT` for that; then the signal aborts. Default: opens a
     * WebSocket with `options` and closes it after the handshake; with `singleConnection` only a TCP connection.
     */
    probe?: (url: string, context: EndpointContext<T>, signal: AbortSignal) => Promise<void> | void
  }
}

/** The configuration of a transport that has `urls`. */
export type WebSocketUrlsConfig<T extends WebsocketTransportGenerics> = Omit<
  WebSocketTransportConfig<T>,
  'url'
> &
  UrlsConfig<T> & { url?: undefined }

export type WebSocketTransportConfig<T extends WebsocketTransportGenerics> = {
  /**
   * The URL to connect to. It is called on every pass of the background loop. If it returns another URL than before, the connection is
   * closed, a new one is opened and everything is subscribed again.
   */
  url: (
    context: EndpointContext<T>,
    desiredSubs: Params<T>[],
    urlConfigFunctionParameters: WebSocketUrlConfigFunctionParameters,
  ) => Promise<string> | string
  /** Headers and other client options. Called right before connecting. */
  options?: (
    context: EndpointContext<T>,
    desiredSubs: Params<T>[],
    parameters?: WebSocketCredentialParameters,
  ) => Promise<SocketOptions> | SocketOptions
  handlers: {
    /**
     * Runs before anything is subscribed, and may exchange messages with the provider itself, such as a login. Listeners that it adds are
     * removed afterwards. If it rejects, the attempt to connect has failed.
     */
    open?: (
      wsConnection: WebSocket,
      context: EndpointContext<T>,
      parameters?: WebSocketCredentialParameters,
    ) => Promise<void> | void
    /** Called every `WS_HEARTBEAT_INTERVAL_MS` while the connection is open. */
    heartbeat?: (wsConnection: WebSocket, context: EndpointContext<T>) => Promise<void> | void
    pong?: (wsConnection: WebSocket, data: Buffer) => void
    error?: (errorEvent: WebSocket.ErrorEvent, context: EndpointContext<T>) => void
    close?: (closeEvent: WebSocket.CloseEvent, context: EndpointContext<T>) => void
    /** Makes values or refusals for feeds from one message. If it throws, only this message is lost. */
    message: (
      message: T['Provider']['WsMessage'],
      context: EndpointContext<T>,
    ) => ProviderResult<T>[] | undefined
  }
  /** If absent, nothing is sent. For providers whose URL says what is subscribed. */
  builders?: WebSocketIndividualBuilders<T> | WebSocketCustomBuilders<T>
  /** Whether to close the connection when no feed is wanted any more, instead of leaving that to the provider. Default false. */
  closeWhenIdle?: boolean
  /**
   * A token or the like, which is got and renewed ahead of its end, and given to `url`, `options` and `handlers.open`. A connection goes on
   * with the value that it was opened with. When the provider closes it over that, or answers a handshake with 401 or 403, there is one new
   * value and one new connection; if it does not take that either, the attempts are slow and the reason is `CREDENTIAL_REFUSED`.
   */
  credential?: CredentialConfig<EndpointContext<T>>
  /**
   * Whether the provider allows one connection at a time, for one credential. A connection is then replaced only after the provider has
   * confirmed its close, or it has been destroyed, and nothing is tried on a second one: feeds at which the provider closes the connection
   * are found on the only one, which costs the others more reconnects. Default false; nothing is tried on a second connection either of a
   * transport with reverse mappings, because what they map from may differ from connection to connection.
   */
  singleConnection?: boolean
  /**
   * Whether a planned change of the connection (`limits.maxAgeMs`, another `url`, the return to a better one of `urls`) opens and subscribes
   * the next one first, and closes the old one when something has come for each feed that it carried (a value, a refusal, an answer to its
   * subscription), or `firstDataMs` after the last subscription was sent. If the new one cannot be opened, closes, or brings nothing of what
   * the old one still brings, the old one goes on, and it is tried again after a growing pause of 1 to 60 s. Meanwhile the messages of both
   * reach `handlers.message`, so do not declare it where that keeps something about a connection. An unresponsive connection is closed at
   * once, as without this. Default false: the old one is closed first. It is always so with `singleConnection`, and with reverse mappings.
   */
  makeBeforeBreak?: boolean
  /** How long a subscribed feed may be without its first value before it is subscribed again, in ms. Default 15 000. */
  firstDataMs?: number
  /**
   * Pings the provider, and replaces the connection when nothing comes from it in time afterwards. Turned on by `{}`: a ping every 15 s, and
   * 10 s for the answer. Default: no pings. Then only silence is noticed, by `WS_SUBSCRIPTION_UNRESPONSIVE_TTL`.
   */
  ping?: PulseOptions
  /** What the provider allows. Default: no limits. */
  limits?: WebSocketLimits
  /**
   * A larger message is refused without being parsed. The connection stays open. Default 8 MiB. One that is also larger than 32 MiB, inflated
   * if it was compressed, is not received: the connection is closed, and another one is opened after a pause.
   */
  maxMessageBytes?: number
}
