import { type ChildProcess, fork } from 'node:child_process'
import cluster from 'node:cluster'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../config/config-error'
import { isMeasured, readServerSettings } from '../../config/server-settings'
import { type AdapterSettings } from '../../config/settings'
import { makeLogger } from '../../util/logging'
import { argumentOf } from './control'
import { KeptProcess } from './kept-process'
import { scrape, ScrapeServer } from './scrape'

const logger = makeLogger('Supervisor')

/** A little more than a process gives itself: together less than Docker's ten seconds. */
const WORKERS_PATIENCE_MS = 5_500
const WRITER_PATIENCE_MS = 3_500

const readSettings = (): AdapterSettings => {
  const settings = readServerSettings()
  if (settings.CACHE_TYPE !== 'local')
    throw new ConfigError([
      'WORKERS: Several workers get their values from memory, so CACHE_TYPE must be local. With Redis, run several services with EA_MODE=reader instead',
    ])
  return settings
}

/**
 * Runs the service as several processes: one that has the connections to providers, and workers that answer requests on one port. Loads
 * no adapter and no server; all it does is to start processes, to start them again, and to end them.
 */
export class Supervisor {
  private readonly directory: string
  private readonly writer: KeptProcess
  private readonly workers: KeptProcess[]
  private readonly metricsServer: ScrapeServer | undefined
  private adapters: string[] = []
  private url: string | undefined
  private hasStarted = false
  private stopped: Promise<void> | undefined
  private started!: () => void
  private failed!: (error: Error) => void
  private readonly starting: Promise<void>

  /**
   * @param entry - the file that every process runs
   * @throws ConfigError for settings with which no process could run; Error for a TLS setup that is not one
   */
  constructor(
    private readonly entry: string,
    count: number,
  ) {
    const settings = readSettings()
    if (isMeasured(settings)) this.metricsServer = new ScrapeServer(settings, () => scrape(this.processes))
    // Only for the user that runs this: whoever can write to the link decides on prices.
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
    // However this process ends, if it can do anything at all it leaves nothing behind.
    process.on('exit', () => this.end())
  }

  /**
   * Resolves when all workers answer.
   *
   * @throws Error when a process says that it cannot start, or a port is taken
   */
  async start(): Promise<void> {
    await this.metricsServer?.listen()
    if (this.stopped === undefined) this.writer.start()
    await this.starting
  }

  /** Lets the workers finish their requests, then the writer close its connections. Resolves when no process is left. */
  stop(): Promise<void> {
    this.stopped ??= this.stopAll()
    return this.stopped
  }

  private async stopAll(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop(WORKERS_PATIENCE_MS)))
    await this.writer.stop(WRITER_PATIENCE_MS)
    this.metricsServer?.stop()
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
    // It says so on its process as well, which is where we listen; here nobody would, and that would be the end of this process.
    worker.on('error', () => {})
    return worker.process
  }

  /** Workers begin when there is somebody to get values from; those that run when a writer is replaced go on. */
  private writerReady(adapters: string[]): void {
    if (this.adapters.length > 0) return
    this.adapters = adapters
    if (this.stopped === undefined) for (const worker of this.workers) worker.start()
  }

  private workerReady(url: string | undefined): void {
    this.url ??= url
    if (this.hasStarted || !this.workers.every((worker) => worker.isReady)) return
    this.hasStarted = true
    const { adapters, workers } = this
    logger.info({ url: this.url, adapters, workers: workers.length }, 'Listening')
    this.started()
  }

  /** Only what has never run is given up: what has, ran with these settings. */
  private couldNotStart(message: string): void {
    if (this.hasStarted) logger.error(`A process could not start: ${message}`)
    else this.failed(new ConfigError([], message))
  }
}
