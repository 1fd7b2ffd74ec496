import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpuSecondsOf, membersOf, rssMiBOf } from '../measure/cpu'
import { type Core, pinned, placeOf } from './pinning'

export interface ProcessOptions {
  command: string[]
  core: Core
  env?: Record<string, string>
  /** Whether messages go to it and come from it. */
  hasChannel?: boolean
}

const STOP_PATIENCE_MS = 5_000

/** A process of the bench, with all that it starts itself. Ends with the bench at the latest. */
export class OwnProcess {
  readonly child: ChildProcess
  readonly core: Core
  readonly startedAt = performance.now()
  /** Rejects when the process ends. */
  readonly failure: Promise<never>
  private endedCpuSeconds: number | undefined
  private readonly endWithBench = () => this.kill('SIGKILL')

  constructor({ command, core, env = {}, hasChannel = false }: ProcessOptions) {
    const [program = '', ...args] = pinned(core, command)
    this.core = placeOf(core)
    this.child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: hasChannel ? ['ignore', 'ignore', 'inherit', 'ipc'] : ['ignore', 'ignore', 'inherit'],
      // A group of its own: what it starts is counted and ended with it.
      detached: true,
    })
    process.once('exit', this.endWithBench)
    this.failure = this.untilEnd()
    // Whoever waits for something of the process hears of it; the rest need not.
    this.failure.catch(() => {})
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`Could not start ${this.child.spawnargs.join(' ')}`)
    return this.child.pid
  }

  /** CPU time of the process alone, or as of its end. */
  cpuSeconds(): number {
    return this.endedCpuSeconds ?? cpuSecondsOf(this.pid)
  }

  /** CPU time of the process and of all that it started and still run. */
  groupCpuSeconds(): number {
    if (this.endedCpuSeconds !== undefined) return this.endedCpuSeconds
    return membersOf(this.pid).reduce((total, pid) => total + cpuSecondsOf(pid), 0)
  }

  rssMiB(): number {
    return rssMiBOf(this.pid)
  }

  /** @param signal - SIGTERM lets it end by itself, for five seconds */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.endedCpuSeconds = this.groupCpuSeconds()
    const exited = once(this.child, 'exit')
    this.kill(signal)
    const patience = setTimeout(() => this.kill('SIGKILL'), STOP_PATIENCE_MS)
    await exited
    clearTimeout(patience)
    process.removeListener('exit', this.endWithBench)
  }

  private async untilEnd(): Promise<never> {
    const [code, signal] = (await once(this.child, 'exit')) as [number | null, string | null]
    throw new Error(`${this.child.spawnargs.join(' ')} ended with ${code ?? signal}`)
  }

  private kill(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal)
    } catch {
      // It has ended by itself.
    }
  }
}
