import { ClientRequest, type IncomingMessage } from 'node:http'
import { connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { safeUrl } from './redaction'

/** A proxy that does not answer for so long opens no way. Whoever waits may have a deadline of its own, which is sooner. */
const OPEN_TIMEOUT_MS = 10_000

const PROXY_AUTHENTICATION_REQUIRED = 407

/** Why there is no way through a proxy. The message names the proxy without its credential. */
export class ProxyError extends Error {
  constructor(
    readonly code: 'PROXY_FAILED' | 'PROXY_REFUSED',
    message: string,
  ) {
    super(message)
  }
}

/** The error of a proxy, if it is one, or has one among its causes. */
export const proxyErrorIn = (error: unknown): ProxyError | undefined => {
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof ProxyError) return one
  return undefined
}

/** A host at which a connection is to end. */
export interface Destination {
  host: string
  port: number
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const credentialOf = ({ username, password }: URL): Record<string, string> => {
  if (username === '' && password === '') return {}
  const pair = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')
  return { 'proxy-authorization': `Basic ${pair}` }
}

/** An address is not asked for by name (RFC 6066). */
const nameFor = (host: string): string => (isIP(host) === 0 ? host : '')

/** The connection to a host over which several addresses were tried has no message of its own. */
const textOf = (error: Error): string =>
  error instanceof AggregateError ? error.errors.map(String).join('; ') : error.message

const refusal = (proxy: string, status: number): ProxyError =>
  status === PROXY_AUTHENTICATION_REQUIRED
    ? new ProxyError(
        'PROXY_REFUSED',
        `The proxy ${proxy} wants a credential, or another one than it got (status 407)`,
      )
    : new ProxyError(
        'PROXY_FAILED',
        `The proxy ${proxy} opened no way to the provider: it answered with status ${status}`,
      )

/** The request for a connection; undefined for a proxy of a kind that is not known, such as `socks5:`. */
const connectRequest = (
  proxy: string,
  { host, port }: Destination,
  signal: AbortSignal | undefined,
): ClientRequest | undefined => {
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined
  const to = `${isIPv6(host) ? `[${host}]` : host}:${port}`
  const proxyHost = url.hostname.replace(/^\[|\]$/g, '')
  const isTls = url.protocol === 'https:'
  const at = { host: proxyHost, port: Number(url.port) || (isTls ? 443 : 80) }
  // Not by `request`: what test doubles make of that knows no CONNECT.
  return new ClientRequest({
    method: 'CONNECT',
    path: to,
    headers: { host: to, ...credentialOf(url) },
    createConnection: () =>
      isTls ? connectTls({ ...at, servername: nameFor(proxyHost) }) : connectTcp(at),
    signal,
  })
}

/**
 * Asks a proxy for a connection to somewhere (CONNECT, RFC 9110 9.3.6).
 *
 * @param proxy - its `http:` or `https:` URL, with its credential
 * @param done - called once: with the connection, or with a {@link ProxyError}; not at all after the signal has aborted
 */
export const openTunnel = (
  proxy: string,
  to: Destination,
  done: (error: ProxyError | null, socket?: Socket) => void,
  signal?: AbortSignal,
): void => {
  const name = safeUrl(proxy)
  let isOver = false
  const end = (error: ProxyError | null, socket?: Socket): void => {
    if (isOver) return
    isOver = true
    clearTimeout(deadline)
    if (signal?.aborted !== true) return done(error, socket)
    socket?.destroy()
  }
  const fail = (what: string) => end(new ProxyError('PROXY_FAILED', `The proxy ${name} ${what}`))
  const request = connectRequest(proxy, to, signal)
  const late = () => {
    fail(`did not answer within ${OPEN_TIMEOUT_MS} ms`)
    request?.destroy()
  }
  const deadline = setTimeout(late, OPEN_TIMEOUT_MS)
  if (request === undefined)
    return process.nextTick(() => fail('cannot be used: it must be one of http: or https:'))
  request.on('error', (error) => fail(`could not be reached: ${textOf(error)}`))
  request.on('connect', ({ statusCode = 0 }: IncomingMessage, socket: Socket, head: Buffer) => {
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy()
      return end(refusal(name, statusCode))
    }
    if (head.length > 0) socket.unshift(head)
    end(null, socket)
  })
  request.end()
}

/** What Node's requests say of the connection that they need. */
export type Needed = Omit<ConnectionOptions, 'host' | 'port'> & {
  host?: string | null
  port?: number | string | null
  /** The port where a URL names none. */
  defaultPort?: number | string | null
}

const encrypted = (options: Needed, socket?: Socket): TLSSocket => {
  const servername = options.servername ?? nameFor(options.host ?? '')
  return connectTls({ ...(options as ConnectionOptions), path: undefined, servername, socket })
}

/**
 * Makes a `createConnection` for requests of Node. Each connection goes through the proxy that there is for its destination, or directly.
 *
 * @param isTls - whether a connection is encrypted to its end, whatever is on the way
 * @param proxyFor - for an `http:` or `https:` URL
 */
export const connectionMaker =
  (
    isTls: (options: Needed) => boolean,
    proxyFor: (url: string) => string | undefined,
    signal?: AbortSignal,
  ) =>
  (options: Needed, done: (error: Error | null, socket?: Socket) => void): Socket | undefined => {
    const secure = isTls(options)
    const host = options.host ?? 'localhost'
    const port = Number(options.port ?? (secure ? 443 : 80))
    const proxy = proxyFor(`${secure ? 'https' : 'http'}://${isIPv6(host) ? `[${host}]` : host}:${port}`)
    if (proxy === undefined)
      return secure
        ? encrypted(options)
        : connectTcp({ ...(options as Destination), path: undefined } as Destination)
    const opened = (error: Error | null, socket?: Socket): void => {
      if (socket === undefined) return done(error)
      done(null, secure ? encrypted(options, socket) : socket)
    }
    openTunnel(proxy, { host, port }, opened, signal)
    return undefined
  }
