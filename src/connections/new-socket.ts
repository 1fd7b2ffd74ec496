import { type ClientOptions } from 'ws'
import { isProxySet, proxyFor } from '../config/outbound-proxy'
import { connectionMaker } from '../util/tunnel'
import { WebSocket, WebSocketClassProvider } from './class-provider'
import { noUrl } from './connection-error'
import { atHome } from './redirected-socket'

const TLS_PORT = 443

/** A message that is longer, also after it was inflated, is never in memory: its connection is cut (RS-7). */
export const MAX_FRAME_BYTES = 32 * 1024 * 1024

/**
 * The options of a socket that goes through a proxy where the environment says so. An author who has chosen the way, by an agent or a function
 * that connects, has the say.
 */
const throughProxy = (options: ClientOptions | undefined): ClientOptions | undefined => {
  if (options?.agent !== undefined || options?.createConnection !== undefined) return options
  const ending = new AbortController()
  const finish = options?.finishRequest
  // The port that a URL without one would have is what `ws` says about whether it is to be encrypted. It redirects with the same options.
  const connect = connectionMaker(({ defaultPort }) => defaultPort === TLS_PORT, proxyFor, ending.signal)
  return {
    ...options,
    createConnection: connect as never,
    finishRequest: (request, socket) => {
      // A handshake that is given up has no connection yet that could be cut.
      request.once('abort', () => ending.abort())
      if (finish === undefined) request.end()
      else finish(request, socket)
    },
  }
}

/**
 * Makes an outbound socket, which begins to connect at once: through a proxy where the environment says so. It takes no message that is longer
 * than {@link MAX_FRAME_BYTES}, where its options say nothing else, and follows no redirect to another origin.
 *
 * @throws AdapterConnectionError `URL_FAILED` for a bad URL
 */
export const newSocket = (
  url: string,
  protocols: string[] | undefined,
  options: ClientOptions | undefined,
): WebSocket => {
  const Socket = WebSocketClassProvider.get()
  try {
    // A test's class gets what it has always got.
    if (Socket !== WebSocket) return new Socket(url, protocols, options)
    // A socket of this machine's file system (`ws+unix:`) has no host.
    const hasWay = !url.startsWith('ws+unix:') && isProxySet()
    const given = { maxPayload: MAX_FRAME_BYTES, ...(hasWay ? throughProxy(options) : options) }
    return atHome(new Socket(url, protocols, given))
  } catch (cause) {
    throw cause instanceof SyntaxError ? noUrl(cause) : cause
  }
}
