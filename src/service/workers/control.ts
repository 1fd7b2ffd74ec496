import { type Socket } from 'node:net'
import { type SilentProcess } from '../../http/process-state'

/** The role in which the supervisor starts a process. It holds no secret, because it is on the command line, which others can read. */
export type ChildSpec =
  | { role: 'writer'; name: string; directory: string }
  /** Serves these adapters, which are those that the writer could start. */
  | { role: 'worker'; name: string; directory: string; adapters: string[] }

/** What a process tells the supervisor. */
export type ChildMessage =
  /** It is alive: its event loop runs. */
  | { type: 'beat' }
  | { type: 'ready'; adapters: string[] }
  /** It cannot start, and says why. It waits until the supervisor ends it. */
  | { type: 'failed'; message: string }
  /** In several parts, because a message of megabytes holds up both sides. All but the last say that there is more. */
  | { type: 'metrics'; id: number; text: string; more?: true }
  | { type: 'page'; id: number; answer: PageAnswer }
  /** It has the connection that was handed to it. */
  | { type: 'taken'; id: number }

/** What the supervisor tells a process. */
export type SupervisorMessage =
  /** The service stops: it is not ready any more, but goes on until it is told to stop. */
  | { type: 'stopping' }
  | { type: 'stop' }
  | { type: 'metrics'; id: number }
  | { type: 'page'; id: number; page: Page }
  /** With the connection of a client. */
  | { type: 'connection'; id: number }
  /** Those of the service's processes that do not answer now. */
  | { type: 'silent'; processes: SilentProcess[] }

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

/** Of metrics, about so much goes in one message. */
const PART_BYTES = 131_072

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
    stopping: () => void
    stop: () => void
    gone: () => void
    metrics: () => Promise<readonly Buffer[]>
    page: (page: Page) => Promise<PageAnswer>
    connection: (socket: Socket) => void
    silent: (processes: SilentProcess[]) => void
  }) {
    this.beats = setInterval(() => this.tell({ type: 'beat' }), BEAT_MS)
    this.tell({ type: 'beat' })
    process.on('message', (message: SupervisorMessage, socket: Socket | undefined) => {
      switch (message.type) {
        case 'stopping':
        case 'stop':
          return on[message.type]()
        case 'silent':
          return on.silent(message.processes)
        case 'page':
          return void on
            .page(message.page)
            .then((answer) => this.tell({ type: 'page', id: message.id, answer }))
        case 'metrics':
          return void on.metrics().then((pieces) => this.tellMetrics(message.id, pieces))
        case 'connection':
          // It may have ended on its way here.
          if (socket !== undefined) on.connection(socket)
          return this.tell({ type: 'taken', id: message.id })
      }
    })
    process.on('disconnect', () => {
      clearInterval(this.beats)
      on.gone()
    })
  }

  private async tellMetrics(id: number, pieces: readonly Buffer[]): Promise<void> {
    let part: Buffer[] = []
    let bytes = 0
    for (const piece of pieces) {
      part.push(piece)
      if ((bytes += piece.length) < PART_BYTES) continue
      this.tell({ type: 'metrics', id, text: String(Buffer.concat(part)), more: true })
      part = []
      bytes = 0
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.tell({ type: 'metrics', id, text: String(Buffer.concat(part)) })
  }

  tell(message: ChildMessage): void {
    // The supervisor may have ended before the event that says so. Then the message is lost, and that is no error.
    if (process.connected) process.send?.(message, undefined, undefined, () => {})
  }
}
