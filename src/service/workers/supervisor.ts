import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../config/config-error'
import { isMeasured, readServerSettings } from '../../config/server-settings'
import { type ServiceSettings } from '../../config/service-settings'
import { type AdapterSettings } from '../../config/settings'
import { makeLogger } from '../../util/logging'
import { errorOf } from '../../util/objects'
import { AdminRelay } from './admin-relay'
import { type OpenAddress, sayWhatIsOpen } from '../open-addresses'
import { argumentOf } from './control'
import { NEEDS_LOCAL_CACHE } from './local-only'
import { FrontDoor } from './front-door'
import { type Events, KeptProcess } from './kept-process'
import { scrape, ScrapeServer } from './scrape'
import { sleep } from '../../util/sleep'

const logger = makeLogger('Supervisor')

/** Each is a little more than a process allows itself; together they are less than Docker's ten seconds. */
const WORKERS_PATIENCE_MS = 5_500
const WRITER_PATIENCE_MS = 3_500

/** How long the writer may take for a page for operators. */
const PAGE_PATIENCE_MS = 5_000

const readSettings = (): AdapterSettings => {
  const settings = readServerSettings()
  if (settings.CACHE_TYPE !== 'local') throw new ConfigError([NEEDS_LOCAL_CACHE])
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
  private readonly door: FrontDoor
  private readonly metricsServer: ScrapeServer | undefined
  private readonly adminRelay: AdminRelay | undefined
  private readonly settings: AdapterSettings
  private readonly drainMs: number
  private readonly scheme: string
  private adapters: string[] = []
  private listening: Promise<string> | undefined
  private adminUrl: string | undefined
  private readonly open: OpenAddress[] = []
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
    { workers: count, silenceMs }: Pick<ServiceSettings, 'workers' | 'silenceMs'>,
  ) {
    const settings = readSettings()
    this.settings = settings
    if (isMeasured(settings))
      this.metricsServer = new ScrapeServer(settings, () => scrape(this.processes, settings.INSTANCE))
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
    const silent = () => this.tellSilent()
    const kept = (name: string, start: () => ChildProcess, events: Pick<Events, 'ready' | 'changed'>) =>
      new KeptProcess(name, start, { failed, silent, ...events }, silenceMs)
    this.writer = kept('writer', () => this.forkWriter(), {
      ready: ({ adapters }) => this.writerReady(adapters),
    })
    this.workers = Array.from({ length: count }, (_, at) => {
      const name = `worker-${at + 1}`
      return kept(name, () => this.forkWorker(name), {
        ready: () => void this.workerReady(),
        changed: () => this.door.changed(),
      })
    })
    this.door = new FrontDoor(settings, this.workers)
    // Whenever this process can still run code at its end, it leaves no process and no file behind.
    process.on('exit', () => this.end())
  }

  /**
   * Resolves when all workers are ready to answer requests.
   *
   * @throws Error when a process says that it cannot start, or a port is taken
   */
  async start(): Promise<void> {
    const metricsAt = await this.metricsServer?.listen()
    const adminAt = await this.adminRelay?.listen()
    if (metricsAt !== undefined) this.open.push({ for: 'metrics', address: metricsAt })
    if (adminAt !== undefined) this.open.push({ for: 'operators', address: adminAt })
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
    for (const one of this.processes) one.tell({ type: 'stopping' })
    if (this.hasStarted) await sleep(this.drainMs)
    await this.door.close()
    await Promise.all(this.workers.map((worker) => worker.stop(WORKERS_PATIENCE_MS)))
    await this.writer.stop(WRITER_PATIENCE_MS)
    await Promise.all([this.metricsServer?.stop(), this.adminRelay?.stop()])
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
    return fork(this.entry, [argumentOf({ role: 'worker', name, directory, adapters })])
  }

  /** Tells all processes which of them are silent, for their pages. */
  private tellSilent(): void {
    const processes = this.processes.flatMap(({ silent }) => silent ?? [])
    for (const one of this.processes) one.tell({ type: 'silent', processes })
    this.door.changed()
  }

  /** Workers are started when the first writer is ready. When a writer is replaced, they go on. */
  private writerReady(adapters: string[]): void {
    if (this.adapters.length > 0) return
    this.adapters = adapters
    if (this.stopped === undefined) for (const worker of this.workers) worker.start()
  }

  /** Clients can connect when the first worker is ready. */
  private async workerReady(): Promise<void> {
    try {
      const address = await (this.listening ??= this.door.listen())
      if (this.hasStarted || !this.workers.every((worker) => worker.isReady)) return
      this.hasStarted = true
      const { adapters, workers, adminUrl, scheme } = this
      const url = `${scheme}://${address.replace(/^\[::1?\]/, '127.0.0.1')}`
      logger.info({ url, adapters, workers: workers.length, ...(adminUrl && { adminUrl }) }, 'Listening')
      sayWhatIsOpen([{ for: 'requests', address }, ...this.open], this.settings)
      this.started()
    } catch (error) {
      this.failed(errorOf(error))
    }
  }

  /** A failure ends the start of the service. Later it is only logged, because these settings have worked before. */
  private couldNotStart(message: string): void {
    if (this.hasStarted) logger.error(`A process could not start: ${message}`)
    else this.failed(new ConfigError([], message))
  }
}
