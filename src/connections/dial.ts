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
  /** Subprotocols to offer. Default none. */
  protocols?: string[]
  /** Takes a server that answers without a subprotocol for one that speaks the first one offered. Default false: it is refused. */
  acceptsNoProtocol?: boolean
  headers?: Record<string, string>
  /** PEM texts; `ca` replaces the system's authorities. */
  tls?: Pick<SecureContextOptions, 'ca' | 'cert' | 'key'> & {
    /** Name that the server's certificate must carry, and the SNI name. Default: host of the URL. */
    servername?: string
  }
  /** Larger messages end the link with 1009. */
  maxPayloadBytes: number
  /** From here to open, in ms: name, TCP, TLS and upgrade together. */
  openTimeoutMs: number
  /** TCP without delay. Default true. */
  noDelay?: boolean
}

/** The server answered the upgrade with something else than 101. */
export class LinkRefused extends AdapterConnectionError {
  /** @param body - the beginning of it, at most 64 KiB: the server's words, not fit for logs or clients as they stand */
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

/** The client library refuses such an answer, so that it is completed before the library sees it. */
const assumeProtocol =
  (protocol: string | undefined) =>
  (request: ClientRequest): void => {
    request.prependListener('upgrade', ({ headers }: IncomingMessage) => {
      headers['sec-websocket-protocol'] ??= protocol
    })
    request.end()
  }

/**
 * Opens a link. No compression is offered, no redirect followed; a refusal, an error, the time limit and the signal each end the
 * attempt at once and leave no socket behind.
 *
 * @throws LinkRefused when the upgrade is answered with another status; AdapterConnectionError with a code of the table for the rest
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
      // An error after this (terminating a half-open socket makes one) concerns nobody, and unheard would end the process.
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
