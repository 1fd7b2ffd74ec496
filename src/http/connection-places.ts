import { type Socket } from 'node:net'
import { overflowed } from '../metrics/bounds'
import { LogLimiter } from '../util/log-limiter'
import { makeLogger } from '../util/logging'
import { type OpenConnection } from './open-connection'

const logger = makeLogger('Connections')

/** So many connections of clients there may be at one address of a process. */
export const MAX_CONNECTIONS = 10_000

/** Two connections at a time never have the same; that of TLS has the name of the one under it. */
const nameOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`

/**
 * The places of connections at one address. Where all are taken, somebody who asks for nothing has to go: first who has never asked, then who
 * is in the handshake of TLS, then whose answers have all been sent, each time the one that came first. If there is nobody, it is the new one.
 */
export class ConnectionPlaces {
  /** In the handshake of TLS, by their names. */
  private readonly shaking = new Map<string, Socket>()
  private readonly problems = new LogLimiter()

  /** @param open - in the order in which they came */
  constructor(
    private readonly open: Set<OpenConnection>,
    private readonly most = MAX_CONNECTIONS,
  ) {}

  /** Whether a new connection has a place, now or because another one has been cut. */
  admits(): boolean {
    if (this.open.size + this.shaking.size < this.most) return true
    overflowed('client_connections')
    this.problems.run('places', (repeated) =>
      logger.warn(
        { repeated },
        `There are ${this.most} connections of clients: one of them was cut for the next`,
      ),
    )
    return this.free()
  }

  /** Counts a connection until {@link shaken} or its end. */
  shakes(socket: Socket): void {
    const name = nameOf(socket)
    this.shaking.set(name, socket)
    socket.once('close', () => {
      if (this.shaking.get(name) === socket) this.shaking.delete(name)
    })
  }

  /** The handshake is over. */
  shaken(socket: Socket): void {
    this.shaking.delete(nameOf(socket))
  }

  private free(): boolean {
    const silent = this.first(({ isSilent }) => isSilent)
    if (silent !== undefined) return this.cut(silent)
    const [shaking] = this.shaking
    if (shaking !== undefined) {
      this.shaking.delete(shaking[0])
      shaking[1].destroy()
      return true
    }
    const idle = this.first(({ isIdle }) => isIdle)
    return idle !== undefined && this.cut(idle)
  }

  private cut(connection: OpenConnection): boolean {
    this.open.delete(connection)
    connection.socket.destroy()
    return true
  }

  private first(isMeant: (connection: OpenConnection) => boolean): OpenConnection | undefined {
    for (const connection of this.open) if (isMeant(connection)) return connection
    return undefined
  }
}
