import { type ClientRequest } from 'node:http'
import type WebSocket from 'ws'
import { type ClientOptions } from 'ws'
import { memberOf } from '../util/objects'
import {
  isHarmless,
  leavesOrigin,
  type RedirectOptions,
  showsCertificate,
  wouldTake,
} from '../util/redirects'

/** What the library makes anew for each handshake. A subprotocol is not among it: some providers take a token in its place. */
const OF_HANDSHAKE = new Set([
  'connection',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-version',
  'upgrade',
])

/**
 * SC-6: the redirects of one socket. The library would send all headers but two to another origin; here such a redirect is followed only where
 * it is declared, and gets nothing that could be a credential. One that is refused is ended before anything of it was sent.
 */
export class SocketRedirects {
  private hasLeft = false

  constructor(private readonly given: ClientOptions & RedirectOptions = {}) {}

  /** The options to open the socket with. Where other origins are declared, it follows redirects. */
  get options(): ClientOptions {
    const { redirectOrigins, ...options } = this.given
    const { finishRequest, followRedirects = redirectOrigins !== undefined } = options
    if (!followRedirects) return options
    return {
      ...options,
      followRedirects,
      finishRequest: (request, socket) => {
        // The author's function may add a header.
        if (this.hasLeft || finishRequest === undefined) request.end()
        else finishRequest(request, socket)
      },
    }
  }

  follow(socket: WebSocket): WebSocket {
    let at = socket.url
    socket.on('redirect', (url: string, request: ClientRequest) => {
      try {
        if (leavesOrigin(at, url, this.given)) this.leave()
        at = url
      } catch (error) {
        request.destroy(error as Error)
        return
      }
      if (this.hasLeft) strip(request, url)
    })
    return socket
  }

  private leave(): void {
    const { agent } = this.given
    if ([this.given, memberOf(agent, 'options')].some(showsCertificate)) throw wouldTake('certificate')
    this.hasLeft = true
  }
}

const strip = (request: ClientRequest, url: string): void => {
  for (const name of request.getHeaderNames())
    if (!isHarmless(name) && !OF_HANDSHAKE.has(name)) request.removeHeader(name)
  request.setHeader('host', new URL(url).host)
}
