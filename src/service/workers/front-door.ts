import { Server as TcpServer, type Socket } from 'node:net'
import { type AdapterSettings } from '../../config/settings'
import { MAX_CONNECTIONS } from '../../http/connection-places'
import { makeLogger } from '../../util/logging'
import { LogLimiter } from '../../util/log-limiter'
import { sleep } from '../../util/sleep'
import { couldNotListen } from '../listening'

const logger = makeLogger('Supervisor')

/** How long workers may take for the connections that wait when the listening ends. */
const HANDING_OUT_MS = 1_000

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A worker as the door sees it. */
export interface Taker {
  readonly isReady: boolean
  /** Whether it has not answered for a while; then it is handed nothing. */
  readonly isSilent: boolean
  /** Hands it a connection. @returns whether it has taken it; if not, nobody has read anything of it */
  take(socket: Socket): Promise<boolean>
}

/**
 * Accepts the connections of clients and hands them to workers in turn, to each the next one when it has taken the last. Each worker has as
 * many of them as a single process, and as many may wait here. Node's cluster does
 * that too, but it forgets the connection that a worker had not taken when it died, and those that wait when the listening ends: their
 * clients would wait for ever.
 */
export class FrontDoor {
  private readonly server = new TcpServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true })
  private readonly waiting: Socket[] = []
  private readonly busy = new Set<Taker>()
  private readonly problems = new LogLimiter()
  private emptied = () => {}
  private next = 0

  constructor(
    private readonly settings: Pick<AdapterSettings, 'EA_HOST' | 'EA_PORT'>,
    private readonly takers: readonly Taker[],
    private readonly most = MAX_CONNECTIONS,
  ) {
    this.server.on('connection', (socket) => this.enter(socket))
  }

  /**
   * @returns where it listens, such as `[::]:8080`
   * @throws ConfigError when the port is taken
   */
  async listen(): Promise<string> {
    const { EA_HOST: host, EA_PORT: port } = this.settings
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: Error) => reject(couldNotListen({ host, port, portVariable: 'EA_PORT' }, cause))
      this.server.once('error', refused).listen({ host, port }, () => {
        this.server.removeListener('error', refused)
        this.server.on('error', (err) => logger.error({ err }, 'No connections can be accepted'))
        resolve()
      })
    })
    const at = this.server.address()
    if (at === null || typeof at === 'string') throw new Error('There is no port to be reached at')
    return `${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`
  }

  /** Ends the listening. Resolves when workers have taken all connections that had come, or will not in time. */
  async close(): Promise<void> {
    for (let turn = 0; turn < 2; turn++) await nextTurn()
    this.server.close()
    const over = new AbortController()
    const emptied = new Promise<void>((resolve) => (this.emptied = resolve))
    this.lookWhetherEmpty()
    await Promise.race([emptied, sleep(HANDING_OUT_MS, over.signal)])
    over.abort()
    for (const socket of this.waiting.splice(0)) socket.destroy()
  }

  /** Call it when a worker has become ready, answers again, or has ended. */
  changed(): void {
    if (!this.takers.some(({ isReady }) => isReady))
      for (const socket of this.waiting.splice(0)) socket.destroy()
    while (this.waiting.length > 0) {
      const taker = this.free()
      if (taker === undefined) return
      void this.hand(this.waiting.shift()!, taker)
    }
    this.lookWhetherEmpty()
  }

  private enter(socket: Socket): void {
    // Its client may reset it before a worker has it.
    socket.on('error', () => {})
    if (this.waiting.length < this.most) {
      this.waiting.push(socket)
      return this.changed()
    }
    socket.destroy()
    this.problems.run('waiting', (repeated) => {
      logger.error({ repeated }, `More than ${this.most} connections wait for a worker: further ones are cut`)
    })
  }

  private free(): Taker | undefined {
    const { takers, busy } = this
    for (let offset = 0; offset < takers.length; offset++) {
      const at = (this.next + offset) % takers.length
      const taker = takers[at]!
      if (!taker.isReady || taker.isSilent || busy.has(taker)) continue
      this.next = at + 1
      return taker
    }
    return undefined
  }

  private async hand(socket: Socket, taker: Taker): Promise<void> {
    this.busy.add(taker)
    const isTaken = await taker.take(socket)
    this.busy.delete(taker)
    // The worker has a handle of its own. Here the connection is only forgotten, which does not end it.
    if (isTaken) socket.destroy()
    else this.waiting.unshift(socket)
    this.changed()
  }

  private lookWhetherEmpty(): void {
    if (this.waiting.length === 0 && this.busy.size === 0) this.emptied()
  }
}
