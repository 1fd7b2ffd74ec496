import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, type Socket } from 'node:net'

/** What is done with what comes. */
interface Listeners {
  request: (request: IncomingMessage, response: ServerResponse) => void
  upgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void
}

/** An HTTP server on 127.0.0.1 that can go and come back on the same port. */
export class LoopbackServer {
  private port = 0
  private server: Server | undefined
  private readonly sockets = new Set<Socket>()

  constructor(private readonly listeners: Listeners) {}

  /** Without a scheme: `127.0.0.1:<port>`. */
  get host(): string {
    return `127.0.0.1:${this.port}`
  }

  async listen(): Promise<void> {
    const { request, upgrade } = this.listeners
    const server = createServer(request)
    // Connections end when a test says so, and not by the time that passes.
    server.keepAliveTimeout = 0
    server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('error', () => {})
    })
    if (upgrade !== undefined)
      server.on('upgrade', (from, socket, head) => upgrade(from, socket as Socket, head))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.port, '127.0.0.1', resolve)
    })
    this.port = (server.address() as AddressInfo).port
    this.server = server
  }

  /** Resets every connection. Afterwards connections to the port are refused. */
  async stop(): Promise<void> {
    const { server } = this
    if (server === undefined) return
    this.server = undefined
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of this.sockets) socket.resetAndDestroy()
    await closed
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.listen()
  }
}
