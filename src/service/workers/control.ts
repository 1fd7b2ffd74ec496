/** The role in which the supervisor starts a process. It holds no secret, because it is on the command line, which others can read. */
export type ChildSpec =
  | { role: 'writer'; name: string; directory: string }
  /** Serves these adapters, which are those that the writer could start. */
  | { role: 'worker'; name: string; directory: string; adapters: string[] }

/** What a process tells the supervisor. */
export type ChildMessage =
  /** It is alive: its event loop runs. */
  | { type: 'beat' }
  | { type: 'ready'; adapters: string[]; url?: string }
  /** It cannot start, and says why. It waits until the supervisor ends it. */
  | { type: 'failed'; message: string }
  | { type: 'metrics'; id: number; text: string }
  | { type: 'page'; id: number; answer: PageAnswer }

/** What the supervisor tells a process. */
export type SupervisorMessage =
  { type: 'stop' } | { type: 'metrics'; id: number } | { type: 'page'; id: number; page: Page }

/** A request to the port for operators, which the supervisor hands on. */
export interface Page {
  method: string
  url: string
  authorization: string | undefined
  /** Of the body. */
  type: string | undefined
  body: string
}

export interface PageAnswer {
  statusCode: number
  type: string
  text: string
}

export const BEAT_MS = 1_000

const FLAG = '--child='

export const argumentOf = (spec: ChildSpec): string => FLAG + JSON.stringify(spec)

/** The role in which a supervisor started this process; undefined if an operator started it. */
export const specIn = (argv: readonly string[]): ChildSpec | undefined => {
  const argument = argv.find((one) => one.startsWith(FLAG))
  return argument === undefined ? undefined : (JSON.parse(argument.slice(FLAG.length)) as ChildSpec)
}

/** Path of the socket at which workers connect to the writer. */
export const socketIn = (directory: string): string => `${directory}/link.sock`

/** This process's end of the channel to its supervisor. */
export class SupervisorChannel {
  private readonly beats: NodeJS.Timeout

  /** Begins to send beats. `gone` is called when the supervisor has ended. */
  constructor(on: {
    stop: () => void
    gone: () => void
    metrics: () => Promise<string>
    page: (page: Page) => Promise<PageAnswer>
  }) {
    this.beats = setInterval(() => this.tell({ type: 'beat' }), BEAT_MS)
    this.tell({ type: 'beat' })
    process.on('message', (message: SupervisorMessage) => {
      if (message.type === 'stop') on.stop()
      else if (message.type === 'page')
        void on.page(message.page).then((answer) => this.tell({ type: 'page', id: message.id, answer }))
      else void on.metrics().then((text) => this.tell({ type: 'metrics', id: message.id, text }))
    })
    process.on('disconnect', () => {
      clearInterval(this.beats)
      on.gone()
    })
  }

  tell(message: ChildMessage): void {
    // The supervisor may have ended before the event that says so. Then the message is lost, and that is no error.
    if (process.connected) process.send?.(message, undefined, undefined, () => {})
  }
}
