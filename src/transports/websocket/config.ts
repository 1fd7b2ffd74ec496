import type WebSocket from 'ws'
import { type ClientOptions } from 'ws'
import { type ProviderResult } from '../../feeds/responses'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { type SubscriptionDeltas } from '../streaming-transport'
import { type EndpointContext, type TransportGenerics } from '../transport'

export type WebsocketTransportGenerics = TransportGenerics & {
  Provider: {
    /** One decoded message of the provider. */
    WsMessage: unknown
  }
}

type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>

export interface WebSocketUrlConfigFunctionParameters {
  /**
   * Grows with every abnormal close and every pass without a responsive connection; 1 at the first connection (contract 17.1).
   * For choosing among several URLs.
   */
  streamHandlerInvocationsWithNoConnection: number
}

/** One message for each feed. An object goes out as JSON, a string as it is; undefined sends nothing. */
export type WebSocketIndividualBuilders<T extends WebsocketTransportGenerics> = {
  subscribeMessage?: (params: Params<T>, context: EndpointContext<T>) => unknown
  unsubscribeMessage?: (params: Params<T>, context: EndpointContext<T>) => unknown
}

/** All messages of one pass at once: for batches, and for any order of one's own. */
export type WebSocketCustomBuilders<T extends WebsocketTransportGenerics> = {
  customSubscriptionMessages: (
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ) => unknown[]
}

export type WebSocketTransportConfig<T extends WebsocketTransportGenerics> = {
  /**
   * Where to connect. Asked on every pass of the background loop; another answer than the last closes the connection, opens a
   * new one and subscribes everything again.
   */
  url: (
    context: EndpointContext<T>,
    desiredSubs: Params<T>[],
    urlConfigFunctionParameters: WebSocketUrlConfigFunctionParameters,
  ) => Promise<string> | string
  /** Headers and other client options, asked right before connecting. */
  options?: (context: EndpointContext<T>, desiredSubs: Params<T>[]) => Promise<ClientOptions> | ClientOptions
  handlers: {
    /**
     * Runs before anything is subscribed, and may talk with the provider itself (a login). Listeners that it adds are gone
     * afterwards. A rejection means that there is no connection.
     */
    open?: (wsConnection: WebSocket, context: EndpointContext<T>) => Promise<void> | void
    /** Called every `WS_HEARTBEAT_INTERVAL_MS` while the connection is open. */
    heartbeat?: (wsConnection: WebSocket, context: EndpointContext<T>) => Promise<void> | void
    pong?: (wsConnection: WebSocket, data: Buffer) => void
    error?: (errorEvent: WebSocket.ErrorEvent, context: EndpointContext<T>) => void
    close?: (closeEvent: WebSocket.CloseEvent, context: EndpointContext<T>) => void
    /** Turns one message into values or refusals for feeds. What it throws costs this message only. */
    message: (
      message: T['Provider']['WsMessage'],
      context: EndpointContext<T>,
    ) => ProviderResult<T>[] | undefined
  }
  /** Absent: nothing is ever sent, for providers whose URL says what is subscribed. */
  builders?: WebSocketIndividualBuilders<T> | WebSocketCustomBuilders<T>
  /** Close the connection when nothing is wanted any more, instead of leaving that to the provider. Default false. */
  closeWhenIdle?: boolean
  /** A larger message is refused without being parsed. Default 8 MiB. Does not close the connection. */
  maxMessageBytes?: number
}
