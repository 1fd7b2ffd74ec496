import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'

const TICKS_PER_SECOND = 100

/** Measured processes have the first core for themselves; load, provider and bench share the second. */
const pin = (pid: number, core: number): void => {
  try {
    execFileSync('taskset', ['-apc', String(core), String(pid)], { stdio: 'ignore' })
  } catch {
    // No taskset, or one core: the figures are noisier, the ratios still mean something.
  }
}

/** One process of the bench. */
export class Target {
  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
    /** From spawning to listening. */
    readonly startMs: number,
    readonly startCpuSeconds: number,
  ) {}

  static async start(name: string, args: string[] = [], core = 0): Promise<Target> {
    const startedAt = performance.now()
    const child = fork(path.join(__dirname, 'targets', `${name}.js`), args, {
      env: { ...process.env, EA_PORT: '0', METRICS_PORT: '0', EA_HOST: '127.0.0.1', LOG_LEVEL: 'info' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    pin(child.pid!, core)
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    return new Target(child, port, performance.now() - startedAt, cpuSeconds(child.pid!))
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`
  }

  cpuSeconds(): number {
    return cpuSeconds(this.child.pid!)
  }

  rssMiB(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exited
  }
}

/** User and system time of a process, all threads. */
const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

export const pinSelf = (): void => pin(process.pid, 1)
