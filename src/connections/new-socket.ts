import type WebSocket from 'ws'
import { type ClientOptions } from 'ws'
import { WebSocketClassProvider } from './class-provider'
import { noUrl } from './connection-error'

/**
 * Makes an outbound socket, which begins to connect at once.
 *
 * @throws AdapterConnectionError `URL_FAILED` for a bad URL
 */
export const newSocket = (
  url: string,
  protocols: string[] | undefined,
  options: ClientOptions | undefined,
): WebSocket => {
  try {
    return new (WebSocketClassProvider.get())(url, protocols, options)
  } catch (cause) {
    throw cause instanceof SyntaxError ? noUrl(cause) : cause
  }
}
