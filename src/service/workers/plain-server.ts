import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AdapterSettings } from '../../config/settings'
import { nodeOptions } from '../../http/client-times'
import { renewCertificate } from '../../http/tls'
import { OpenConnections } from '../../http/open-connections'
import { couldNotListen } from '../listening'
import { settledWithin } from '../stopping'

const IDLE_MS = 100
const PATIENCE_MS = 500

/** A server of the supervisor. It has the same address and TLS as those of a single process, but is made without fastify. */
export class PlainServer {
  private readonly server: Server
  private readonly connections: OpenConnections

  constructor(
    private readonly settings: AdapterSettings,
    private readonly at: { port: number; portVariable: string },
    answer: RequestListener,
  ) {
    this.connections = new OpenConnections(settings.CLIENT_TIMEOUT_MS)
    const { https, http } = nodeOptions(settings)
    const server = https === undefined ? createHttpServer(http) : createHttpsServer(https)
    if ('setSecureContext' in server) renewCertificate(settings, () => [server])
    this.server = server
    this.server.on('request', answer)
    this.connections.follow(this.server)
  }

  /** @throws ConfigError when the port is taken */
  async listen(): Promise<string> {
    const { EA_HOST: host } = this.settings
    const { port } = this.at
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: Error) => reject(couldNotListen({ host, ...this.at }, cause))
      this.server.once('error', refused).listen({ host, port }, resolve)
    })
    const bound = this.server.address()
    if (bound === null || typeof bound === 'string') throw new Error('There is no port to be reached at')
    const { address, family, port: chosen } = bound
    return `${family === 'IPv6' ? `[${address}]` : address}:${chosen}`
  }

  /** Answers what has come, for a short time. */
  async stop(): Promise<void> {
    await settledWithin(PATIENCE_MS, [() => this.connections.end(IDLE_MS)])
    this.connections.cut()
    this.server.close()
  }
}
