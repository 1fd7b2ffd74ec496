import { type ClientOptions } from 'ws'
import { isProxySet, proxyFor } from '../config/outbound-proxy'
import { type RedirectOptions } from '../util/redirects'
import { connectionMaker } from '../util/tunnel'
import { WebSocket, WebSocketClassProvider } from './class-provider'
import { noUrl } from './connection-error'
import { SocketRedirects } from './redirected-socket'

const TLS_PORT = 443

/** How a socket is opened. */
export type SocketOptions = ClientOptions & RedirectOptions

/** A message that is longer, also after it was inflated, is never in memory: its connection is cut (RS-7). */
export const MAX_FRAME_BYTES = 32 * 1024 * 1024

/**
 * The options of a socket that goes through a proxy where the environment says so. An author who has chosen the way, by an agent or a function
 * that connects, has the say.
 */
const throughProxy = (options: ClientOptions): ClientOptions => {
  if (options.agent !== undefined || options.createConnection !== undefined) return options
  let ending = new AbortController()
  const finish = options.finishRequest
  // Called for each redirect, too, with the same options: the request before it is given up then.
  const connect = (...of: Parameters<ReturnType<typeof connectionMaker>>) => {
    ending = new AbortController()
    // The port that a URL without one would have is what `ws` says about whether it is to be encrypted.
    return connectionMaker(({ defaultPort }) => defaultPort === TLS_PORT, proxyFor, ending.signal)(...of)
  }
  return {
    ...options,
    createConnection: connect as never,
    finishRequest: (request, socket) => {
      const own = ending
      // A handshake that is given up has no connection yet that could be cut.
      request.once('abort', () => own.abort())
      if (finish === undefined) request.end()
      else finish(request, socket)
    },
  }
}

/**
 * Makes an outbound socket, which begins to connect at once: through a proxy where the environment says so. It takes no message that is longer
 * than {@link MAX_FRAME_BYTES}, where its options say nothing else, and follows no redirect to an origin that is not declared.
 *
 * @throws AdapterConnectionError `URL_FAILED` for a bad URL
 */
export const newSocket = (
  url: string,
  protocols: string[] | undefined,
  options: SocketOptions | undefined,
): WebSocket => {
  const Socket = WebSocketClassProvider.get()
  try {
    // A test's class gets what it has always got.
    if (Socket !== WebSocket) return new Socket(url, protocols, options)
    // A socket of this machine's file system (`ws+unix:`) has no host.
    const hasWay = !url.startsWith('ws+unix:') && isProxySet()
    const redirects = new SocketRedirects(options)
    const given = hasWay ? throughProxy(redirects.options) : redirects.options
    return redirects.follow(new Socket(url, protocols, { maxPayload: MAX_FRAME_BYTES, ...given }))
  } catch (cause) {
    throw cause instanceof SyntaxError ? noUrl(cause) : cause
  }
}
