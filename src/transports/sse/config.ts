import { type AxiosRequestConfig } from 'axios'
import { type EventSourceInit } from 'eventsource'
import { type ProviderResult } from '../../feeds/responses'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { type EndpointContext, type TransportGenerics } from '../transport'

export interface SSEConfig {
  url: string
  /** Handed to the `EventSource` as it is. */
  eventSourceInitDict?: EventSourceInit
}

export type SseTransportGenerics = TransportGenerics & {
  Provider: {
    /** Body of the requests that subscribe and unsubscribe. */
    RequestBody: unknown
  }
}

type Params<T extends SseTransportGenerics> = TypeFromDefinition<T['Parameters']>
type Request<T extends SseTransportGenerics> = AxiosRequestConfig<T['Provider']['RequestBody']>

/** One type of event, `message` where the provider names none, and what to make of it. */
export interface SseEventListener<T extends SseTransportGenerics> {
  type: string
  /** Turns one event into values or refusals for feeds. What it throws costs this event only. */
  parseResponse: (event: MessageEvent) => ProviderResult<T>[]
}

export interface SseTransportConfig<T extends SseTransportGenerics> {
  /**
   * Where to connect, for the feeds that are wanted. Asked before connecting, and on every pass while connected: another URL, said twice
   * in a row, closes the stream, opens a new one and subscribes everything again. One that never comes twice (a nonce in it) changes
   * nothing.
   */
  prepareSSEConnectionConfig: (params: Params<T>[], context: EndpointContext<T>) => SSEConfig
  prepareSubscriptionRequest: (params: Params<T>[], context: EndpointContext<T>) => Request<T>
  prepareUnsubscriptionRequest: (params: Params<T>[], context: EndpointContext<T>) => Request<T>
  /** Sent while something is wanted and no other request was sent for `SSE_KEEPALIVE_SLEEP`. */
  prepareKeepAliveRequest?: (context: EndpointContext<T>) => Request<T>
  eventListeners: SseEventListener<T>[]
  /** Accepted and not used, as ever: the setting is `SSE_KEEPALIVE_SLEEP`. */
  keepaliveSleepMs?: number
  /** Accepted and not used, as ever: the setting is `BACKGROUND_EXECUTE_MS_SSE`. */
  pollingSleepMs?: number
}
