import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(__dirname, '..', '..')
/** Starting loads TypeScript anew; the machine may be busy. */
export const PATIENCE_MS = 60_000

export interface Line {
  level: string
  msg: string
  url?: string
  [field: string]: unknown
}

/** The service in a process of its own, or in several. */
export class ServiceProcess {
  readonly lines: Line[] = []
  /** Of the process that was started. */
  readonly exit: Promise<number | null>
  /** No process is left that was started by it: its output has ended. */
  readonly closed: Promise<unknown>
  stderr = ''
  private text = ''
  private readonly seekers = new Set<() => void>()

  constructor(private readonly child: ChildProcess) {
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => this.read(chunk))
    child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (this.stderr += chunk))
    this.closed = once(child, 'close')
    this.exit = once(child, 'exit').then(([code]) => {
      this.seekers.forEach((seek) => seek())
      return code as number | null
    })
  }

  /** The first line that matches, among those from `from` on; the process must not end before it. */
  line(matches: (line: Line) => boolean, from = 0): Promise<Line> {
    return new Promise((resolve, reject) => {
      const seek = () => {
        const found = this.lines.slice(from).find(matches)
        if (found === undefined && this.child.exitCode === null) return
        this.seekers.delete(seek)
        if (found !== undefined) resolve(found)
        else reject(new Error(`The service ended:\n${JSON.stringify(this.lines, null, 1)}\n${this.stderr}`))
      }
      this.seekers.add(seek)
      seek()
    })
  }

  async url(): Promise<string> {
    return (await this.line(({ msg }) => msg === 'Listening')).url!
  }

  get pid(): number {
    return this.child.pid!
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  private read(chunk: string): void {
    const lines = (this.text + chunk).split('\n')
    this.text = lines.pop() ?? ''
    for (const line of lines) this.lines.push(JSON.parse(line) as Line)
    this.seekers.forEach((seek) => seek())
  }
}

const running: ServiceProcess[] = []
const servers: Server[] = []

/** Starts the service as `npm start` does, from the sources. {@link endAll} ends it. */
export const launch = (
  variables: Record<string, string>,
  file = join('src', 'service', 'main.ts'),
): ServiceProcess => {
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    // Where it makes the folder of its link, which tests look for.
    TMPDIR: tmpdir(),
    EA_HOST: '127.0.0.1',
    EA_PORT: '0',
    METRICS_ENABLED: 'false',
    // No test talks to a provider on the internet.
    COINBASE_WS_API_ENDPOINT: 'ws://127.0.0.1:9',
    KRAKEN_WS_API_ENDPOINT: 'ws://127.0.0.1:9',
    BITFINEX_WS_API_ENDPOINT: 'ws://127.0.0.1:9',
    ...variables,
  }
  const args = ['--import', 'tsx', file]
  const service = new ServiceProcess(
    spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  running.push(service)
  return service
}

/** A port that somebody else listens on, until {@link endAll}. */
export const takenPort = async (): Promise<string> => {
  const server = createServer().listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return String((server.address() as AddressInfo).port)
}

/** A port that nobody listens on. */
export const freePort = async (): Promise<string> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return String(port)
}

/** After each test. */
export const endAll = async (): Promise<void> => {
  for (const process of running.splice(0)) {
    process.signal('SIGKILL')
    await process.closed
  }
  for (const server of servers.splice(0)) server.close()
}

export const post = async (url: string, body: object = { data: {} }) => {
  // Each on a connection of its own, so that several workers have their turns.
  const headers = { 'content-type': 'application/json', connection: 'close' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return {
    status: response.status,
    json: (await response.json()) as {
      result?: number
      timestamps?: { providerDataReceivedUnixMs: number }
      error?: { message: string; reason?: { code: string; message: string } }
    },
  }
}

/** What every adapter answers to a request for nothing. */
export const missing = {
  status: 400,
  json: { error: { message: '[Param: base] param is required but no value was provided' } },
}
