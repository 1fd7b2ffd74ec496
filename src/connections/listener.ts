import { memberOf, messageOf } from '../util/objects'
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import { type AddressInfo, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import { LogLimiter } from '../util/log-limiter'
import { makeLogger } from '../util/logging'
import { CertificateRenewal, checkTls, type TlsOrigin, type TlsTexts } from './certificate-renewal'
import { type ConnectionStatus } from './connection-status'
import { Handshakes } from './handshakes'
import { type Address, Link, type LinkLimits } from './link'
import { type Caller } from './peer-tokens'
import { Places } from './places'

const logger = makeLogger('Listener')

export interface ListenerOptions<Peer> extends LinkLimits {
  host: string
  /** With 0 the system chooses a free port. */
  port: number
  /** PEM texts. With `ca`, clients must present a certificate that it signed. */
  tls?: TlsTexts & {
    /** Where they are read from anew: with it, new connections get what the files have. */
    origin?: TlsOrigin
  }
  /** Returns who is calling, or undefined to refuse the caller with 401. Called for every upgrade before it is answered. */
  authenticate: (caller: Caller) => Peer | undefined
  /** Chooses the subprotocol to answer with from those offered. Default: none. */
  chooseProtocol?: (offered: ReadonlySet<string>) => string | false
  /** A connection whose handshake is not done after this time, in ms, is cut. Default 5 000. */
  handshakeTimeoutMs?: number
  /** Maximum number of links at once. More callers are refused with 503. Default 100. */
  maxConnections?: number
  /**
   * Maximum number of callers in the handshake, beside the links; half of them from one address. One more puts out the one that has been
   * there for the longest time: it has had its chance. Default 64.
   */
  maxHandshakes?: number
  /**
   * Whether anybody is let in, so that a link says nothing about who it is until {@link Listener.vouchFor} is called for it. Where all places
   * are taken, strangers have to make room for new callers. Default false: whoever gets a link has authenticated.
   */
  admitsStrangers?: boolean
  /** A larger message ends its link with code 1009. */
  maxPayloadBytes: number
  /** Length of the queue of connections not yet accepted. Default 128. */
  backlog?: number
  /** Whether to switch off Nagle's algorithm (`TCP_NODELAY`). Default true. */
  noDelay?: boolean
  /**
   * Called in the same tick in which a link opens. An error that it throws ends only that link.
   *
   * @param number - of the connection: 0, 1, 2 … in the order of accepting; connections that never became a link are counted too
   */
  onLink: (link: Link, peer: Peer, number: number) => void
  /** Called for each caller that got no link, with one of a fixed set of reasons. */
  onRefused?: (why: RefusedCaller) => void
}

/** `crowded-out`: it had to make room for others before it had said who it is, or anything of use. */
export type RefusedCaller =
  | 'not-a-websocket'
  | 'unauthenticated'
  | 'too-many'
  | 'handshake-timeout'
  | 'handshake-failed'
  | 'crowded-out'

type Answered = 'not-a-websocket' | 'unauthenticated' | 'too-many'

const STATUS_OF: Record<Answered, string> = {
  'not-a-websocket': '426 Upgrade Required',
  unauthenticated: '401 Unauthorized',
  'too-many': '503 Service Unavailable',
}

/**
 * A WebSocket server for peers that push. Handshakes run in parallel, each with its own time limit. A caller that is refused, stays silent
 * or disconnects does not affect the others.
 */
export class Listener<Peer> {
  private readonly links = new Map<Link, Peer>()
  private readonly wires = new Set<Socket>()
  private readonly handshakes: Handshakes
  private readonly places: Places
  private readonly numbers = new WeakMap<Duplex, number>()
  private acceptedSoFar = 0
  private readonly limiter = new LogLimiter()
  private readonly sockets: WebSocketServer
  private server: Server | undefined
  private address: Address | undefined
  private sinceUnixMs = Date.now()
  private lastError: ConnectionStatus['lastError']

  constructor(private readonly options: ListenerOptions<Peer>) {
    this.handshakes = new Handshakes(options.maxHandshakes ?? 64)
    this.places = new Places(options.maxConnections ?? 100)
    this.sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.maxPayloadBytes,
      handleProtocols: (offered) => options.chooseProtocol?.(offered) ?? false,
    })
    this.sockets.on('wsClientError', (_error, wire) => {
      this.refused('handshake-failed')
      wire.destroy()
    })
  }

  /** @returns where it listens. @throws Error when the port is taken, or key and certificate are none or do not belong together */
  async listen(): Promise<Address> {
    const { tls, noDelay = true, host, port, backlog = 128 } = this.options
    const server = tls === undefined ? createHttpServer({ noDelay }) : encrypting(tls, noDelay)
    this.server = server
    server.on('connection', (wire: Socket) => this.accepted(wire))
    // A failed TLS handshake is reported by this event too.
    server.on('clientError', (_error, wire) => {
      this.refused(memberOf(wire, 'secureConnecting') === true ? 'handshake-failed' : 'not-a-websocket')
      wire.destroy()
    })
    server.on('request', (request) => this.turnAway('not-a-websocket', request.socket))
    server.on('upgrade', (request, wire, head) => this.upgrade(request, wire, head))
    return new Promise((resolve, reject) => {
      // Later errors, such as having no file descriptor left for another caller, must not end the process.
      server.on('error', (error) => {
        this.lastError = { code: 'LISTEN_FAILED', message: error.message, unixMs: Date.now() }
        reject(error)
      })
      server.listen({ host, port, backlog }, () => {
        const { address, port: bound } = server.address() as AddressInfo
        this.address = { host: address, port: bound }
        this.sinceUnixMs = Date.now()
        this.lastError = undefined
        resolve(this.address)
      })
    })
  }

  /** The open links, each with its peer. */
  get peers(): ReadonlyMap<Link, Peer> {
    return this.links
  }

  /** The peer of a link has shown that it is one: its place is its own. */
  vouchFor(link: Link): void {
    this.places.keep(link)
  }

  /** Accepts no more callers, ends every link with this code, and resolves when all connections are gone. */
  async close(code = 1001): Promise<void> {
    const { server } = this
    this.address = undefined
    const closed = new Promise<void>((resolve) => {
      if (server?.listening) server.close(() => resolve())
      else resolve()
    })
    await Promise.all([...this.links.keys()].map((link) => link.close(code)))
    for (const wire of this.wires) wire.destroy()
    await closed
  }

  /** For `/status`: the listener, then its peers. */
  status(nameOf: (peer: Peer) => string): ConnectionStatus[] {
    const { address, sinceUnixMs, lastError } = this
    const scheme = this.options.tls === undefined ? 'ws' : 'wss'
    const { host, port } = address ?? this.options
    const own: ConnectionStatus = {
      role: 'listener',
      state: address === undefined ? 'closed' : 'listening',
      url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
      sinceUnixMs,
      ...(lastError === undefined ? {} : { lastError }),
    }
    const peers = [...this.links].map(([link, peer]): ConnectionStatus => ({
      role: 'peer',
      state: 'open',
      peer: nameOf(peer),
      sinceUnixMs: link.openedAtUnixMs,
    }))
    return [own, ...peers]
  }

  private accepted(wire: Socket): void {
    const { handshakeTimeoutMs = 5_000 } = this.options
    wire.on('error', () => {})
    this.numbers.set(wire, this.acceptedSoFar++)
    if (this.places.areTaken) {
      this.refused('too-many')
      // Before the TLS handshake the caller would not understand any answer.
      if (this.options.tls === undefined)
        wire.end(`HTTP/1.1 ${STATUS_OF['too-many']}\r\nConnection: close\r\n\r\n`)
      wire.destroySoon()
      return
    }
    this.wires.add(wire)
    const crowdedOut = this.handshakes.enter(wire)
    if (crowdedOut !== undefined) {
      this.refused('crowded-out')
      crowdedOut.destroy()
    }
    const deadline = setTimeout(() => {
      this.refused('handshake-timeout')
      wire.destroy()
    }, handshakeTimeoutMs)
    wire.once('close', () => {
      clearTimeout(deadline)
      this.handshakes.leave(wire)
      this.wires.delete(wire)
    })
    wire.once(HANDSHAKE_DONE, () => {
      clearTimeout(deadline)
      this.handshakes.leave(wire)
    })
  }

  private upgrade(request: IncomingMessage, wire: Duplex, head: Buffer): void {
    wire.on('error', () => {})
    const peer = this.identify(request)
    if (peer === undefined) return this.turnAway('unauthenticated', wire)
    if (this.places.areTaken) return this.turnAway('too-many', wire)
    this.sockets.handleUpgrade(request, wire, head, (socket) => {
      handshakeDone(wire)
      const link = new Link(socket, request.socket, this.options)
      this.links.set(link, peer)
      this.seat(link)
      const leave = (): void => void this.links.delete(link)
      void link.closing.then(leave)
      void link.closed.then(leave)
      try {
        this.options.onLink(link, peer, this.numbers.get(wireOf(wire))!)
      } catch (err) {
        logger.error({ err }, 'What follows an accepted connection failed')
        void link.close(1011)
      }
    })
  }

  private seat(link: Link): void {
    const crowdedOut = this.places.take(link, this.options.admitsStrangers === true)
    if (crowdedOut === undefined) return
    this.refused('crowded-out')
    crowdedOut.destroy()
  }

  private identify(request: IncomingMessage): Peer | undefined {
    const { headers, url = '/', socket } = request
    const { subject } = (socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined) ?? {}
    const name = subject?.CN
    try {
      return this.options.authenticate({
        headers,
        url,
        host: socket.remoteAddress ?? '',
        certificateName: typeof name === 'string' ? name : undefined,
      })
    } catch (err) {
      logger.error({ err }, 'A caller could not be authenticated')
      return undefined
    }
  }

  private turnAway(why: Answered, wire: Duplex): void {
    this.refused(why)
    wire.end(`HTTP/1.1 ${STATUS_OF[why]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
      wire.destroy(),
    )
  }

  private refused(why: RefusedCaller): void {
    this.options.onRefused?.(why)
    this.limiter.run(why, (repeated) => logger.warn({ why, repeated }, 'A caller was refused'))
  }
}

/** What cannot be read or used now may be what was given at first. */
const latest = ({ origin, ...texts }: NonNullable<ListenerOptions<never>['tls']>): TlsTexts => {
  try {
    return origin?.read() ?? texts
  } catch (error) {
    logger.warn(
      { problem: messageOf(error) },
      'The files of TLS cannot be read: what they held before is used',
    )
    return texts
  }
}

const encrypting = (tls: NonNullable<ListenerOptions<never>['tls']>, noDelay: boolean): HttpsServer => {
  const asksForCertificates = tls.ca !== undefined
  const texts = latest(tls)
  checkTls(texts)
  const server = createHttpsServer({
    noDelay,
    ...texts,
    requestCert: asksForCertificates,
    rejectUnauthorized: asksForCertificates,
  })
  new CertificateRenewal(() => [server], tls.origin ?? { files: [], read: () => texts }, texts)
  return server
}

const HANDSHAKE_DONE = 'tickwell.handshakeDone'

/** Over TLS the upgrade comes on a TLS socket. The accepted connection is the TCP socket below it. */
const wireOf = (upgraded: Duplex): Duplex => {
  const below = memberOf(upgraded, '_parent')
  return below instanceof Duplex ? below : upgraded
}

const handshakeDone = (upgraded: Duplex): void => {
  wireOf(upgraded).emit(HANDSHAKE_DONE)
}
