import { once } from 'node:events'
import path from 'node:path'
import { OwnProcess } from './own-process'
import { type Core } from './pinning'

export interface TargetOptions {
  args?: string[]
  core: Core
  env?: Record<string, string>
  nodeArgs?: string[]
}

const ENVIRONMENT = { EA_PORT: '0', METRICS_PORT: '0', EA_HOST: '127.0.0.1', LOG_LEVEL: 'info' }

const START_PATIENCE_MS = 30_000

/** A process of bench/targets that said where it listens, and does what it is told. */
export class Target extends OwnProcess {
  port = 0
  /** From spawning to listening. */
  startMs = 0
  startCpuSeconds = 0
  private commands = 0

  static async start(name: string, { args = [], core, env, nodeArgs = [] }: TargetOptions): Promise<Target> {
    const file = path.join(__dirname, '..', 'targets', `${name}.js`)
    const target = new Target({
      command: [process.execPath, ...nodeArgs, file, ...args],
      core,
      env: { ...ENVIRONMENT, ...env },
      hasChannel: true,
    })
    const { port } = await target.reported()
    target.startMs = performance.now() - target.startedAt
    target.startCpuSeconds = target.cpuSeconds()
    target.port = port
    return target
  }

  private async reported(): Promise<{ port: number }> {
    let patience: NodeJS.Timeout | undefined
    const tooLate = new Promise<never>((_, reject) => {
      const error = new Error(`${this.child.spawnargs.join(' ')} does not say that it listens`)
      patience = setTimeout(() => reject(error), START_PATIENCE_MS)
    })
    try {
      const [message] = (await Promise.race([once(this.child, 'message'), this.failure, tooLate])) as [
        { port: number },
      ]
      return message
    } finally {
      clearTimeout(patience)
    }
  }

  get socketUrl(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  /** Has a command done (see targets/control.ts). @returns what it answers @throws Error when the process ends meanwhile */
  async tell<R = void>(command: string, values: Record<string, unknown> = {}): Promise<R> {
    const id = ++this.commands
    const answered = new Promise<R>((resolve) => {
      const onMessage = (message: { id?: number; result: R }) => {
        if (message.id !== id) return
        this.child.removeListener('message', onMessage)
        resolve(message.result)
      }
      this.child.on('message', onMessage)
    })
    this.child.send({ id, command, values })
    return Promise.race([answered, this.failure])
  }
}
