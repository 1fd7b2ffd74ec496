import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, rmSync, type WriteStream } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

const START_PATIENCE_MS = 120_000
const STOP_PATIENCE_MS = 15_000
const LOOK_EVERY_MS = 200

/** Given to the application as environment; see its configuration. */
export interface ServerOptions {
  /** Installed application. */
  folder: string
  /** Database, uploads and logs go here. */
  scratch: string
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The real Strapi as a child process, on a port of its own, with SQLite in the scratch folder. */
export class StrapiServer {
  port = 0
  private child: ChildProcess | undefined
  private log: WriteStream | undefined

  constructor(private readonly options: ServerOptions) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get adminUrl(): string {
    return `${this.url}/admin`
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** Resolves when it is ready. Started again, it has the port and the content that it had. @throws Error */
  async start({ isTransferEnabled = true } = {}): Promise<void> {
    const { folder, scratch } = this.options
    mkdirSync(scratch, { recursive: true })
    this.port ||= await freePort()
    this.log = createWriteStream(join(scratch, 'strapi.log'), { flags: 'a' })
    const child = spawn(process.execPath, ['start.js'], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        PORT: String(this.port),
        DATABASE_FILE: join(scratch, 'strapi.db'),
        TRANSFER_ENABLED: String(isTransferEnabled),
        STRAPI_TELEMETRY_DISABLED: 'true',
        STRAPI_DISABLE_EE: 'true',
        STRAPI_HIDE_STARTUP_MESSAGE: 'true',
      },
    })
    this.child = child
    child.stdout.pipe(this.log, { end: false })
    child.stderr.pipe(this.log, { end: false })
    await this.ready()
  }

  /** A clean stop. */
  async stop(): Promise<void> {
    await this.end('SIGTERM')
  }

  /** No time to say goodbye to anybody. */
  async kill(): Promise<void> {
    await this.end('SIGKILL')
  }

  /** For when nothing can be waited for any more. */
  abandon(): void {
    if (this.isRunning) this.child?.kill('SIGKILL')
  }

  private async ready(): Promise<void> {
    for (const until = Date.now() + START_PATIENCE_MS; Date.now() < until; await sleep(LOOK_EVERY_MS)) {
      if (!this.isRunning) throw new Error('Strapi ended while it was starting: see its log in dist/strapi')
      const answer = await fetch(`${this.url}/_health`).catch(() => undefined)
      if (answer?.status === 204) return
    }
    throw new Error('Strapi was not ready in time')
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this
    if (child === undefined || !this.isRunning) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS)
    await ended
    clearTimeout(timer)
    this.log?.end()
  }
}

/** Takes the content of an earlier run away. */
export const clear = ({ folder, scratch }: ServerOptions): void => {
  rmSync(scratch, { recursive: true, force: true })
  rmSync(join(folder, 'public/uploads'), { recursive: true, force: true })
  mkdirSync(join(folder, 'public/uploads'), { recursive: true })
}
