import { type ClientRequest, type IncomingMessage } from 'node:http'
import { type SecureContextOptions } from 'node:tls'
import { type ClientOptions } from 'ws'
import { AdapterConnectionError } from '../validation/errors'
import { connectionError, connectionFailure, couldNotConnect, transportStopped } from './connection-error'
import { Link, type LinkLimits } from './link'
import { newSocket } from './new-socket'

const MAX_REFUSAL_BYTES = 65_536

export interface DialOptions extends LinkLimits {
  /** `ws:` or `wss:`. */
  url: string
  /** Subprotocols to offer. Default: none. */
  protocols?: string[]
  /** Whether a server that answers without a subprotocol is taken to speak the first one offered. Default false: it is refused. */
  acceptsNoProtocol?: boolean
  headers?: Record<string, string>
  /** PEM texts. `ca` replaces the certificate authorities of the system. */
  tls?: Pick<SecureContextOptions, 'ca' | 'cert' | 'key'> & {
    /** The name that the server's certificate must have; also the SNI name. Default: the host of the URL. */
    servername?: string
  }
  /** A larger message ends the link with code 1009. */
  maxPayloadBytes: number
  /** Time limit from the call to the open link, in ms: name look-up, TCP, TLS and upgrade together. */
  openTimeoutMs: number
  /** Whether to switch off Nagle's algorithm (`TCP_NODELAY`). Default true. */
  noDelay?: boolean
}

/** The server answered the upgrade with a status other than 101. */
export class LinkRefused extends AdapterConnectionError {
  /** @param body - the beginning of the answer, at most 64 KiB. It is the server's text: do not put it in logs or answers as it is */
  constructor(
    readonly httpStatus: number,
    readonly body: string,
  ) {
    super(
      ...connectionFailure(
        'HANDSHAKE_REFUSED',
        `The server refused the upgrade with HTTP status ${httpStatus}`,
      ),
    )
  }
}

const readBody = (response: IncomingMessage, done: (body: string) => void): void => {
  const chunks: Buffer[] = []
  let size = 0
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_REFUSAL_BYTES) response.destroy()
  })
  response.on('error', () => {})
  response.on('close', () => done(Buffer.concat(chunks).toString('utf8', 0, MAX_REFUSAL_BYTES)))
}

/**
 * Completes an answer that names no subprotocol. It is done before the client library sees the answer, because the library would refuse it.
 */
const assumeProtocol =
  (protocol: string | undefined) =>
  (request: ClientRequest): void => {
    request.prependListener('upgrade', ({ headers }: IncomingMessage) => {
      headers['sec-websocket-protocol'] ??= protocol
    })
    request.end()
  }

/**
 * Opens a link. No compression is offered and no redirect is followed. A refusal, an error, the time limit and the signal each end the
 * attempt at once and leave no socket behind.
 *
 * @throws LinkRefused when the upgrade is answered with another status than 101; AdapterConnectionError with one of our codes for all else
 */
export const dial = (options: DialOptions, signal: AbortSignal): Promise<Link> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(transportStopped())
    const client: ClientOptions = {
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: options.maxPayloadBytes,
      headers: options.headers,
      ...options.tls,
      ...(options.acceptsNoProtocol ? { finishRequest: assumeProtocol(options.protocols?.[0]) } : {}),
    }
    const { openTimeoutMs } = options
    const socket = newSocket(options.url, options.protocols, client)
    const settle = (): void => {
      clearTimeout(deadline)
      signal.removeEventListener('abort', abort)
      socket.removeAllListeners()
      // Terminating a half-open socket emits an error after this. It does not matter, but without a listener it would end the process.
      socket.on('error', () => {})
    }
    const fail = (error: Error): void => {
      settle()
      socket.terminate()
      reject(error)
    }
    const abort = () => fail(transportStopped())
    const late = () =>
      fail(connectionError('CONNECTION_TIMEOUT', `No connection was open after ${openTimeoutMs} ms`))
    const deadline = setTimeout(late, openTimeoutMs)
    signal.addEventListener('abort', abort)

    let wire: IncomingMessage['socket'] | undefined
    socket.on('upgrade', (response: IncomingMessage) => (wire = response.socket))
    socket.on('unexpected-response', (_request, response: IncomingMessage) =>
      readBody(response, (body) => fail(new LinkRefused(response.statusCode ?? 0, body))),
    )
    socket.on('error', (error) => fail(couldNotConnect({ error, message: error.message })))
    socket.on('open', () => {
      settle()
      wire?.setNoDelay(options.noDelay ?? true)
      resolve(new Link(socket, wire, options))
    })
  })
