import { type ChildProcess, fork } from 'node:child_process'
import cluster from 'node:cluster'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../config/config-error'
import { isMeasured, readServerSettings } from '../../config/server-settings'
import { type AdapterSettings } from '../../config/settings'
import { makeLogger } from '../../util/logging'
import { AdminRelay } from './admin-relay'
import { argumentOf } from './control'
import { KeptProcess } from './kept-process'
import { scrape, ScrapeServer } from './scrape'

const logger = makeLogger('Supervisor')

/** Each is a little more than a process allows itself; together they are less than Docker's ten seconds. */
const WORKERS_PATIENCE_MS = 5_500
const WRITER_PATIENCE_MS = 3_500

/** How long the writer may take for a page for operators. */
const PAGE_PATIENCE_MS = 5_000

const readSettings = (): AdapterSettings => {
  const settings = readServerSettings()
  if (settings.CACHE_TYPE !== 'local')
    throw new ConfigError([
      'WORKERS: Several workers get their values from memory, so CACHE_TYPE must be local. With Redis, run several services with EA_MODE=reader instead',
    ])
  return settings
}

/**
 * Runs the service as several processes: a writer, which has the connections to providers, and workers, which answer requests on one port.
 * It loads no adapter and no fastify server. It starts processes, starts them again when they die, ends them, serves their metrics, and hands
 * requests to the port for operators to the writer.
 */
export class Supervisor {
  private readonly directory: string
  private readonly writer: KeptProcess
  private readonly workers: KeptProcess[]
  private readonly metricsServer: ScrapeServer | undefined
  private readonly adminRelay: AdminRelay | undefined
  private readonly drainMs: number
  private readonly scheme: string
  private adapters: string[] = []
  private url: string | undefined
  private adminUrl: string | undefined
  private hasStarted = false
  private stopped: Promise<void> | undefined
  private started!: () => void
  private failed!: (error: Error) => void
  private readonly starting: Promise<void>

  /**
   * @param entry - the file that every process runs
   * @throws ConfigError for settings with which no process could run; Error for an incomplete TLS setup
   */
  constructor(
    private readonly entry: string,
    count: number,
  ) {
    const settings = readSettings()
    if (isMeasured(settings)) this.metricsServer = new ScrapeServer(settings, () => scrape(this.processes))
    const { ADMIN_PORT, STOP_DRAIN_MS, TLS_ENABLED, MTLS_ENABLED } = settings
    this.scheme = TLS_ENABLED || MTLS_ENABLED ? 'https' : 'http'
    this.drainMs = STOP_DRAIN_MS
    if (ADMIN_PORT !== undefined)
      this.adminRelay = new AdminRelay(settings, ADMIN_PORT, (page) =>
        this.writer.page(page, PAGE_PATIENCE_MS),
      )
    // `mkdtemp` makes it accessible to this user only: whoever can write to the link can change prices.
    this.directory = mkdtempSync(join(tmpdir(), `tickwell-${process.pid}-`))
    this.starting = new Promise((resolve, reject) => {
      this.started = resolve
      this.failed = reject
    })
    const failed = (message: string) => this.couldNotStart(message)
    this.writer = new KeptProcess('writer', () => this.forkWriter(), {
      ready: ({ adapters }) => this.writerReady(adapters),
      failed,
    })
    this.workers = Array.from({ length: count }, (_, at) => {
      const name = `worker-${at + 1}`
      return new KeptProcess(name, () => this.forkWorker(name), {
        ready: ({ url }) => this.workerReady(url),
        failed,
      })
    })
    // Whenever this process can still run code at its end, it leaves no process and no file behind.
    process.on('exit', () => this.end())
  }

  /**
   * Resolves when all workers are ready to answer requests.
   *
   * @throws Error when a process says that it cannot start, or a port is taken
   */
  async start(): Promise<void> {
    await this.metricsServer?.listen()
    const adminAt = await this.adminRelay?.listen()
    this.adminUrl = adminAt && `${this.scheme}://${adminAt}`
    if (this.stopped === undefined) this.writer.start()
    await this.starting
  }

  /** Lets the workers finish their requests, and then lets the writer close its connections. Resolves when no process is left. */
  stop(): Promise<void> {
    this.stopped ??= this.stopAll()
    return this.stopped
  }

  private async stopAll(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop(WORKERS_PATIENCE_MS + this.drainMs)))
    await this.writer.stop(WRITER_PATIENCE_MS)
    this.metricsServer?.stop()
    this.adminRelay?.stop()
  }

  private end(): void {
    for (const one of this.processes) one.kill()
    rmSync(this.directory, { recursive: true, force: true })
  }

  private get processes(): KeptProcess[] {
    return [this.writer, ...this.workers]
  }

  private forkWriter(): ChildProcess {
    return fork(this.entry, [argumentOf({ role: 'writer', name: 'writer', directory: this.directory })])
  }

  private forkWorker(name: string): ChildProcess {
    const { directory, adapters } = this
    cluster.setupPrimary({
      exec: this.entry,
      args: [argumentOf({ role: 'worker', name, directory, adapters })],
    })
    const worker = cluster.fork()
    // An error is also emitted on `worker.process`, where we listen. Without a listener here it would end this process.
    worker.on('error', () => {})
    return worker.process
  }

  /** Workers are started when the first writer is ready. When a writer is replaced, they go on. */
  private writerReady(adapters: string[]): void {
    if (this.adapters.length > 0) return
    this.adapters = adapters
    if (this.stopped === undefined) for (const worker of this.workers) worker.start()
  }

  private workerReady(url: string | undefined): void {
    this.url ??= url
    if (this.hasStarted || !this.workers.every((worker) => worker.isReady)) return
    this.hasStarted = true
    const { adapters, workers, adminUrl } = this
    logger.info(
      { url: this.url, adapters, workers: workers.length, ...(adminUrl && { adminUrl }) },
      'Listening',
    )
    this.started()
  }

  /** A failure ends the start of the service. Later it is only logged, because these settings have worked before. */
  private couldNotStart(message: string): void {
    if (this.hasStarted) logger.error(`A process could not start: ${message}`)
    else this.failed(new ConfigError([], message))
  }
}
