import { connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { safeUrl } from './redaction'

/** A proxy that does not answer for so long opens no way. Whoever waits may have a deadline of its own, which is sooner. */
const OPEN_TIMEOUT_MS = 10_000

const PROXY_AUTHENTICATION_REQUIRED = 407

const END_OF_HEAD = '\r\n\r\n'

/** As much as Node takes of a head. */
const MAX_HEAD_BYTES = 16_384

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

const credentialOf = ({ username, password }: URL): string => {
  if (username === '' && password === '') return ''
  const pair = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')
  return `proxy-authorization: Basic ${pair}\r\n`
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

/** A connection to the proxy itself; undefined for one of a kind that is not known, such as `socks5:`. */
const connectTo = (proxy: URL | undefined): Socket | undefined => {
  if (proxy?.protocol !== 'http:' && proxy?.protocol !== 'https:') return undefined
  const host = proxy.hostname.replace(/^\[|\]$/g, '')
  return proxy.protocol === 'https:'
    ? connectTls({ host, port: Number(proxy.port) || 443, servername: nameFor(host) })
    : connectTcp({ host, port: Number(proxy.port) || 80 })
}

/**
 * Reads the head of an answer, and leaves what follows it to be read.
 *
 * @param done - called with the status; undefined for what is none of HTTP
 */
const readStatus = (socket: Socket, done: (status: number | undefined) => void): void => {
  let seen = Buffer.alloc(0)
  const read = (): void => {
    for (let chunk; (chunk = socket.read() as Buffer | null) !== null;) seen = Buffer.concat([seen, chunk])
    const end = seen.indexOf(END_OF_HEAD)
    if (end === -1 && seen.length < MAX_HEAD_BYTES) return
    socket.off('readable', read)
    const rest = seen.subarray(end + END_OF_HEAD.length)
    if (end !== -1 && rest.length > 0) socket.unshift(rest)
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(seen.toString('latin1')) ?? []
    done(end === -1 || status === undefined ? undefined : Number(status))
  }
  socket.on('readable', read)
}

/**
 * Asks a proxy for a connection to somewhere (CONNECT, RFC 9110 9.3.6). Not by a request of Node, which test doubles replace by what knows
 * no CONNECT.
 *
 * @param proxy - its `http:` or `https:` URL, with its credential
 * @param done - called once: with the connection, or with a {@link ProxyError}; not at all after the signal has aborted
 */
export const openTunnel = (
  proxy: string,
  { host, port }: Destination,
  done: (error: ProxyError | null, socket?: Socket) => void,
  signal?: AbortSignal,
): void => {
  const name = safeUrl(proxy)
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined
  const socket = signal?.aborted === true ? undefined : connectTo(url)
  const settle = (): void => {
    clearTimeout(deadline)
    signal?.removeEventListener('abort', abort)
    socket?.off('error', broken).off('close', closed)
  }
  const refused = (error: ProxyError): void => {
    abort()
    done(error)
  }
  const fail = (what: string) => refused(new ProxyError('PROXY_FAILED', `The proxy ${name} ${what}`))
  const abort = (): void => {
    settle()
    socket?.on('error', () => {}).destroy()
  }
  const broken = (error: Error) => fail(`could not be reached: ${textOf(error)}`)
  const closed = () => fail('closed the connection without an answer')
  const deadline = setTimeout(() => fail(`did not answer within ${OPEN_TIMEOUT_MS} ms`), OPEN_TIMEOUT_MS)
  if (socket === undefined || url === undefined) {
    clearTimeout(deadline)
    if (signal?.aborted !== true)
      process.nextTick(() => fail('cannot be used: it must be one of http: or https:'))
    return
  }
  signal?.addEventListener('abort', abort)
  socket.on('error', broken).on('close', closed)
  const to = `${isIPv6(host) ? `[${host}]` : host}:${port}`
  socket.write(`CONNECT ${to} HTTP/1.1\r\nhost: ${to}\r\n${credentialOf(url)}\r\n`)
  readStatus(socket, (status) => {
    if (status === undefined) return fail('sent what is no answer')
    if (status < 200 || status > 299) return refused(refusal(name, status))
    settle()
    done(null, socket)
  })
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
