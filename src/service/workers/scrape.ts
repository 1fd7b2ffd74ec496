import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { posix } from 'node:path'
import { type AdapterSettings } from '../../config/settings'
import { getTLSOptions } from '../../http/tls'
import { couldNotListen } from '../listening'
import { mergeExpositions } from './exposition'
import { type KeptProcess } from './kept-process'

/** A process that does not answer within this time is left out of a scrape; its absence shows in `service_process_up`. */
const PATIENCE_MS = 2_000

/** Metrics of the supervisor itself. They are there even when no process answers. */
const ownMetrics = (processes: readonly KeptProcess[], answered: ReadonlySet<KeptProcess>): string => {
  const lines = (name: string, type: string, help: string, value: (one: KeptProcess) => number) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...processes.map((one) => `${name}{process="${one.name}"} ${value(one)}`),
  ]
  return [
    ...lines('service_process_up', 'gauge', 'Whether a process of the service is at work', (one) =>
      answered.has(one) ? 1 : 0,
    ),
    ...lines(
      'service_process_restarts_total',
      'counter',
      'How often a process of the service died',
      (one) => one.restartCount,
    ),
  ].join('\n')
}

/** The metrics of all processes, and of the supervisor. Never rejects. */
export const scrape = async (processes: readonly KeptProcess[]): Promise<string> => {
  const answered = new Set<KeptProcess>()
  const texts = await Promise.all(
    processes.map(async (one) => {
      const text = await one.metrics(PATIENCE_MS)
      if (text !== undefined) answered.add(one)
      return text ?? ''
    }),
  )
  return mergeExpositions([ownMetrics(processes, answered), ...texts])
}

/** The server that Prometheus scrapes. It has the same address, path and TLS as that of a single process, but is made without fastify. */
export class ScrapeServer {
  private readonly server: Server
  private running: Promise<string> | undefined

  constructor(
    private readonly settings: AdapterSettings,
    private readonly collect: () => Promise<string>,
  ) {
    const { https } = getTLSOptions(settings)
    const path = settings.METRICS_USE_BASE_URL ? posix.join(settings.BASE_URL, 'metrics') : '/metrics'
    this.server = https === undefined ? createHttpServer() : createHttpsServer(https)
    this.server.on('request', (req, res) => {
      if ((req.method !== 'GET' && req.method !== 'HEAD') || req.url?.split('?')[0] !== path)
        return res.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Not Found')
      void this.text().then((text) => {
        res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
      })
      return undefined
    })
  }

  /** @throws ConfigError when the port is taken */
  async listen(): Promise<string> {
    const { EA_HOST, METRICS_PORT } = this.settings
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: Error) =>
        reject(couldNotListen({ host: EA_HOST, port: METRICS_PORT, portVariable: 'METRICS_PORT' }, cause))
      this.server.once('error', refused).listen({ host: EA_HOST, port: METRICS_PORT }, resolve)
    })
    const bound = this.server.address()
    if (bound === null || typeof bound === 'string') throw new Error('There is no port to be scraped at')
    const { address, family, port } = bound
    return `${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  stop(): void {
    this.server.close()
    this.server.closeAllConnections()
  }

  /** Requests that come while the metrics are being collected share the result. */
  private text(): Promise<string> {
    this.running ??= this.collect().finally(() => (this.running = undefined))
    return this.running
  }
}
