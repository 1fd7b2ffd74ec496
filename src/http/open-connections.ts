import { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { Server as TcpServer, type Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { type FastifyInstance } from 'fastify'
import { monotonicMs } from '../util/clock'
import { LogLimiter } from '../util/log-limiter'
import { makeLogger } from '../util/logging'
import { lookEveryMs } from './client-times'
import { ConnectionPlaces } from './connection-places'
import { OpenConnection } from './open-connection'

const logger = makeLogger('Connections')

declare module 'fastify' {
  interface FastifyInstance {
    openConnections: OpenConnections
  }
}

const IDLE_MS = 1_000

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

const CONNECTION: unique symbol = Symbol('tickwell.openConnection')

type FollowedSocket = Socket & { [CONNECTION]?: OpenConnection }

/**
 * The connections of clients to the servers of one address. Node's own `close` cuts a kept connection that has no request at this moment,
 * also where the next request has arrived in the kernel already (LC-3). This ends them in a way that loses none: the listening ends, all
 * connections are read on, and the last answer of each says `connection: close`.
 */
export class OpenConnections {
  private readonly servers = new Map<Server, RequestListener>()
  private readonly open = new Set<OpenConnection>()
  /** Defined from the beginning of the end. */
  private endsAfterMs: number | undefined
  private drained = () => {}
  private readonly beginnings: (() => void)[] = []
  private looking: NodeJS.Timeout | undefined
  private readonly problems = new LogLimiter()
  private readonly places: ConnectionPlaces

  /**
   * @param limitMs - a client that takes next to nothing of its answers for this long loses its connection
   * @param most - how many there may be. Default: see {@link ConnectionPlaces}
   */
  constructor(
    private readonly limitMs = 30_000,
    most?: number,
  ) {
    this.places = new ConnectionPlaces(this.open, most)
  }

  /** Follows all connections that this server gets from now on. Call it before it listens. */
  follow(server: Server): void {
    const begin: RequestListener = ({ socket }: { socket: FollowedSocket }, response) =>
      socket[CONNECTION]?.begin(response)
    this.servers.set(server, begin)
    const isTls = server instanceof TlsServer
    server.on('connection', (socket: FollowedSocket) => {
      if (!this.places.admits()) socket.destroy()
      else if (isTls) this.places.shakes(socket)
      else this.enter(socket)
    })
    if (isTls) server.on('secureConnection', (socket: FollowedSocket) => this.secured(socket))
    server.prependListener('request', begin)
  }

  /** Calls this when the end begins: after it, the requests of the connections count one by one. */
  beforeEnd(begin: () => void): void {
    this.beginnings.push(begin)
  }

  /**
   * Ends the listening, and each connection after its last answer. Resolves when none is left; it does not give up, so the caller has to
   * (see {@link answerRest} and {@link cut}).
   *
   * @param idleMs - a connection on which nothing comes for this long is closed
   */
  async end(idleMs = IDLE_MS): Promise<void> {
    // What the kernel has accepted is taken first: what waits there when the listening ends is reset.
    for (let turn = 0; turn < 2; turn++) await nextTurn()
    this.endsAfterMs = idleMs
    for (const begin of this.beginnings) begin()
    for (const [server, begin] of this.servers) {
      deferRequests(server, begin)
      // Not the `close` of an HTTP server, which begins with the idle connections.
      TcpServer.prototype.close.call(server)
    }
    for (const connection of this.open) connection.end(idleMs)
    await new Promise<void>((resolve) => {
      this.drained = resolve
      this.lookWhetherDrained()
    })
  }

  /** Answers all requests that have not been answered with 503. */
  answerRest(): void {
    for (const connection of this.open) connection.answerRest()
  }

  /** Cuts what is still open. */
  cut(): void {
    for (const { socket } of this.open) socket.destroy()
  }

  private secured(socket: FollowedSocket): void {
    this.places.shaken(socket)
    this.enter(socket)
  }

  private enter(socket: FollowedSocket): void {
    const connection = new OpenConnection(socket)
    socket[CONNECTION] = connection
    this.open.add(connection)
    this.looking ??= setInterval(() => this.look(), lookEveryMs(this.limitMs)).unref()
    socket.once('close', () => {
      connection.closed()
      this.open.delete(connection)
      this.lookWhetherDrained()
    })
    if (this.endsAfterMs !== undefined) connection.end(this.endsAfterMs)
  }

  /** Cuts the connections of clients that do not take their answers. */
  private look(): void {
    const now = monotonicMs()
    for (const connection of this.open) {
      if (!connection.isStuck(now, this.limitMs)) continue
      connection.socket.destroy()
      this.problems.run('stuck', (repeated) =>
        logger.warn({ repeated }, 'A client did not take its answers in time: its connection is cut'),
      )
    }
  }

  private lookWhetherDrained(): void {
    if (this.open.size > 0) return
    clearInterval(this.looking)
    this.looking = undefined
    this.drained()
  }
}

/**
 * From now on requests are answered a turn of the event loop later. What has arrived on the same connection is parsed by then, so that it is
 * known which answer is the last one.
 */
const deferRequests = (server: Server, begin: RequestListener): void => {
  const listeners = (server.listeners('request') as RequestListener[]).filter((one) => one !== begin)
  for (const listener of listeners) server.removeListener('request', listener)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    setImmediate(() => {
      for (const listener of listeners) listener.call(server, request, response)
    })
  })
}

/** Follows the connections of a server that has not been started, as {@link FastifyInstance.openConnections}. */
export const followConnections = (app: FastifyInstance, limitMs: number): void => {
  const connections = new OpenConnections(limitMs)
  connections.follow(app.server)
  app.decorate('openConnections', connections)
  app.addHook('onListen', (done) => {
    for (const server of furtherServersOf(app)) connections.follow(server)
    done()
  })
}

/** Where the host is `localhost`, which is several addresses, fastify has a server more for each. It names them by a symbol of its own. */
const furtherServersOf = (app: FastifyInstance): Server[] => {
  const name = Object.getOwnPropertySymbols(app).find(
    ({ description }) => description === 'fastify.serverBindings',
  )
  return name === undefined ? [] : (Reflect.get(app, name) as Server[])
}
