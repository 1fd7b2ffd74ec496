import { type AxiosRequestConfig } from 'axios'
import { type EventSourceInit } from 'eventsource'
import { type RedirectOptions } from '../../util/redirects'
import { type ProviderResult } from '../../feeds/responses'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { type EndpointContext, type TransportGenerics } from '../transport'

export interface SSEConfig extends RedirectOptions {
  /** A redirect is followed within its origin, and to `redirectOrigins`. There the `fetch` of `eventSourceInitDict` is not used. */
  url: string
  /** Passed to the `EventSource` unchanged. */
  eventSourceInitDict?: EventSourceInit
}

export type SseTransportGenerics = TransportGenerics & {
  Provider: {
    /** The body of the requests that subscribe and unsubscribe. */
    RequestBody: unknown
  }
}

type Params<T extends SseTransportGenerics> = TypeFromDefinition<T['Parameters']>
type Request<T extends SseTransportGenerics> = AxiosRequestConfig<T['Provider']['RequestBody']> &
  RedirectOptions

/** One type of event (`message` where the provider names none), and the function that reads it. */
export interface SseEventListener<T extends SseTransportGenerics> {
  type: string
  /** Makes values or refusals for feeds from one event. If it throws, only this event is lost. */
  parseResponse: (event: MessageEvent) => ProviderResult<T>[]
}

export interface SseTransportConfig<T extends SseTransportGenerics> {
  /**
   * The place to connect to, for the wanted feeds. It is called before connecting, and on every pass while connected. If it returns another
   * URL twice in a row, the stream is closed, a new one is opened and everything is subscribed again. A URL that is different each time,
   * for example because of a nonce, changes nothing.
   */
  prepareSSEConnectionConfig: (params: Params<T>[], context: EndpointContext<T>) => SSEConfig
  prepareSubscriptionRequest: (params: Params<T>[], context: EndpointContext<T>) => Request<T>
  prepareUnsubscriptionRequest: (params: Params<T>[], context: EndpointContext<T>) => Request<T>
  /** Sent while a feed is wanted, when no other request was sent for `SSE_KEEPALIVE_SLEEP`. */
  prepareKeepAliveRequest?: (context: EndpointContext<T>) => Request<T>
  eventListeners: SseEventListener<T>[]
  /** Accepted but not used, as in the reference framework. Use the setting `SSE_KEEPALIVE_SLEEP`. */
  keepaliveSleepMs?: number
  /** Accepted but not used, as in the reference framework. Use the setting `BACKGROUND_EXECUTE_MS_SSE`. */
  pollingSleepMs?: number
}
