/** What the supervisor starts a process as. Goes over the command line, which others can read: nothing secret. */
export type ChildSpec =
  | { role: 'writer'; name: string; directory: string }
  /** Serves those of the adapters that the writer could start. */
  | { role: 'worker'; name: string; directory: string; adapters: string[] }

/** What a process tells the supervisor. */
export type ChildMessage =
  /** It is alive: its event loop turns. */
  | { type: 'beat' }
  | { type: 'ready'; adapters: string[]; url?: string }
  /** It cannot start, for a reason that it knows. Waits to be ended. */
  | { type: 'failed'; message: string }
  | { type: 'metrics'; id: number; text: string }

/** What the supervisor tells a process. */
export type SupervisorMessage = { type: 'stop' } | { type: 'metrics'; id: number }

export const BEAT_MS = 1_000

const FLAG = '--child='

export const argumentOf = (spec: ChildSpec): string => FLAG + JSON.stringify(spec)

/** What this process was started as; undefined for one that an operator started. */
export const specIn = (argv: readonly string[]): ChildSpec | undefined => {
  const argument = argv.find((one) => one.startsWith(FLAG))
  return argument === undefined ? undefined : (JSON.parse(argument.slice(FLAG.length)) as ChildSpec)
}

/** Where workers find the writer. */
export const socketIn = (directory: string): string => `${directory}/link.sock`

/** This process's end of the channel to its supervisor. */
export class SupervisorChannel {
  private readonly beats: NodeJS.Timeout

  /** Begins to beat. `gone` is called when the supervisor is no more. */
  constructor(on: { stop: () => void; gone: () => void; metrics: () => Promise<string> }) {
    this.beats = setInterval(() => this.tell({ type: 'beat' }), BEAT_MS)
    this.tell({ type: 'beat' })
    process.on('message', (message: SupervisorMessage) => {
      if (message.type === 'stop') on.stop()
      else void on.metrics().then((text) => this.tell({ type: 'metrics', id: message.id, text }))
    })
    process.on('disconnect', () => {
      clearInterval(this.beats)
      on.gone()
    })
  }

  tell(message: ChildMessage): void {
    // Between the end of the supervisor and the event that says so there is nobody to tell, and nothing to be done about it.
    if (process.connected) process.send?.(message, undefined, undefined, () => {})
  }
}
