import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { describe } from 'vitest'

const isInstalled = spawnSync('redis-server', ['--version']).status === 0

/** A suite that needs a Redis. Without one it is skipped, visibly; where everything has to run (`CI=true`) it fails. */
export const describeWithRedis = (title: string, suite: () => void): void => {
  if (isInstalled || process.env['CI'] === 'true') describe(title, { timeout: 30_000 }, suite)
  else describe.skip(`${title} (skipped: there is no redis-server on this machine)`, suite)
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A Redis of its own for one test; ends with it. */
export class RedisServer implements AsyncDisposable {
  private child: ChildProcess | undefined
  private raw: Redis | undefined

  constructor(
    readonly port: number,
    private readonly args: string[],
    private readonly password: string | undefined,
  ) {}

  /** A plain client, to look at what is there. */
  get client(): Redis {
    const { port, password } = this
    this.raw ??= new Redis({ host: '127.0.0.1', port, password, protocol: 2, retryStrategy: () => 20 }).on(
      'error',
      () => {},
    )
    return this.raw
  }

  /** Starts it, or starts it anew after {@link kill}: empty, on the same port. */
  async start(): Promise<void> {
    const fixed = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const child = spawn('redis-server', [...fixed, ...this.args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.once('error', (error) => reject(new Error(`redis-server does not start: ${error.message}`)))
      child.once('exit', () => reject(new Error(`redis-server ended:\n${output}`)))
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
        if (output.includes('Ready to accept connections')) resolve()
      })
    })
  }

  async kill(): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  /** Keeps its connections and answers nothing. */
  pause(): void {
    this.child?.kill('SIGSTOP')
  }

  resume(): void {
    this.child?.kill('SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.raw?.disconnect()
    await this.kill()
  }
}

export const redisServer = async (
  options: { args?: string[]; password?: string } = {},
): Promise<RedisServer> => {
  const { args = [], password } = options
  const all = password === undefined ? args : [...args, '--requirepass', password]
  for (let attempt = 1; ; attempt++) {
    const server = new RedisServer(await freePort(), all, password)
    try {
      await server.start()
      return server
    } catch (error) {
      // Somebody else may have taken the port meanwhile.
      if (attempt === 3 || !String(error).includes('in use')) throw error
    }
  }
}
