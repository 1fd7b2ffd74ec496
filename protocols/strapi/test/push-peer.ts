import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type WebSocket, WebSocketServer } from 'ws'

export interface TraceLine {
  n: number
  dir: 'c2s' | 's2c' | 'evt'
  scenario?: string
  frame?: string
  event?: string
  code?: number
}

export interface Frame {
  uuid: string
  type?: string
  command?: string
  kind?: string
  action?: string
  step?: string
  params?: Record<string, unknown>
  data?: unknown
  transferID?: string
}

export const readTrace = (name: string): TraceLine[] =>
  readFileSync(join(__dirname, 'fixtures', `${name}.ndjson`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as TraceLine)

/** What a request is about: `init`, `bootstrap`, `start entities`. Undefined for acknowledgements. */
export const labelOf = ({ type, kind, command, action, step }: Frame): string | undefined => {
  if (type === 'command') return command
  return kind === 'step' ? `${action} ${step}` : action
}

export const frameOf = (line: TraceLine): Frame => JSON.parse(line.frame ?? '{}') as Frame

/** The schemas of the recorded server. */
export const recordedSchemas = (): Record<string, unknown> => {
  const answers = readTrace('push-trace').filter(
    ({ dir, frame }) => dir === 's2c' && frame?.includes('"feed.bounds":'),
  )
  return frameOf(answers[0]!).data as Record<string, unknown>
}

/**
 * What the peer does about a request, in place of doing it and saying so: `cut` drops the connection before it is done, `cut-after` when
 * it is done, `silent` does it without a word.
 */
export type Reaction =
  | 'cut'
  | 'cut-after'
  | 'silent'
  | { error: string; step?: string; code?: string }
  | { data: unknown }
  | { warning: string }

export interface Row {
  type: string
  id: number
  data: Record<string, unknown>
}

interface Conversation {
  socket: WebSocket
  direction: string
  pending: Row[]
  counts: Map<string, number>
  isTerminal: boolean
  hasRolledBack: boolean
  batch?: { uuid: string; isLast: boolean }
}

/** A Strapi that keeps rows in memory and does what a test tells it to. */
export class PushPeer implements AsyncDisposable {
  /** Requests in order, over all connections: `push init`, `push start entities`, … */
  readonly labels: string[] = []
  readonly frames: Frame[] = []
  /** How each connection ended, by close code. */
  readonly closes: number[] = []
  readonly rows: Row[] = []
  /** Reactions by label, each used once. */
  readonly reactions = new Map<string, Reaction[]>()
  version = '5.54.0'
  schemas = recordedSchemas()
  capabilities: Record<string, unknown> = { checksums: true, assetEncoding: 'base64' }
  /** Bearer tokens that are refused, with the status. */
  readonly refused = new Map<string, number>()
  /** Open connections, and how many there were at once at most. */
  open = 0
  mostOpen = 0
  private readonly watchers = new Set<() => void>()

  private constructor(private readonly server: WebSocketServer) {
    server.options.verifyClient = ({ req }, done) => {
      const token = req.headers.authorization?.split(' ')[1] ?? ''
      const status = this.refused.get(token)
      if (status === undefined) done(true)
      else done(false, status, JSON.stringify({ error: { status, message: 'Forbidden' } }))
    }
    server.on('connection', (socket, { url }) => {
      this.mostOpen = Math.max(this.mostOpen, ++this.open)
      const direction = url?.split('/').at(-1) ?? ''
      const conversation: Conversation = {
        socket,
        direction,
        pending: [],
        counts: new Map(),
        isTerminal: false,
        hasRolledBack: false,
      }
      socket.on('message', (data: Buffer) => {
        this.take(conversation, JSON.parse(data.toString()) as Frame)
        this.changed()
      })
      socket.on('close', (code) => {
        this.open--
        this.closes.push(code)
        this.changed()
      })
    })
  }

  static async start(): Promise<PushPeer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await new Promise<void>((resolve) => server.once('listening', () => resolve()))
    return new PushPeer(server)
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/admin`
  }

  /** The next request of this label is met so. */
  react(label: string, reaction: Reaction): void {
    this.reactions.set(label, [...(this.reactions.get(label) ?? []), reaction])
  }

  /** The labels of the pushes so far, without those of pulls. */
  get pushed(): string[] {
    return this.labels
      .filter((label) => label.startsWith('push '))
      .map((label) => label.slice('push '.length))
  }

  get documentIds(): unknown[] {
    return this.rows.map(({ data }) => data.documentId)
  }

  /** Resolves when `isSo`, looked at after each message and each end of a connection. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo())
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.watchers.delete(look)
          resolve()
        }
        this.watchers.add(look)
      })
  }

  /** Everybody is cut off, as when the process is killed. */
  drop(): void {
    for (const socket of this.server.clients) socket.terminate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }

  private changed(): void {
    for (const look of [...this.watchers]) look()
  }

  private take(conversation: Conversation, frame: Frame): void {
    const label = labelOf(frame)
    if (label === undefined) return this.acknowledged(conversation)
    this.labels.push(`${conversation.direction} ${label}`)
    this.frames.push(frame)
    const reaction = this.reactions.get(label)?.shift()
    const { socket } = conversation
    if (reaction === 'cut') return socket.terminate()
    const answer = (body: object): void =>
      socket.send(JSON.stringify({ uuid: frame.uuid, data: null, error: null, ...body }))
    const fail = (message: string, step?: string, code = 'Error'): void =>
      answer({ error: { code, message, details: step === undefined ? {} : { step } } })
    if (conversation.isTerminal) return fail('Transfer has been terminated', 'transfer')
    if (typeof reaction === 'object' && 'error' in reaction) {
      conversation.isTerminal = label === 'stream entities' || label === 'stream links'
      return fail(reaction.error, reaction.step, reaction.code)
    }
    if (typeof reaction === 'object' && 'warning' in reaction) this.warn(socket, reaction.warning)
    const data = this.perform(conversation, label, frame)
    if (reaction === 'cut-after') return socket.terminate()
    if (reaction === 'silent') return
    answer({ data: typeof reaction === 'object' && 'data' in reaction ? reaction.data : data })
    if (conversation.direction === 'pull' && label === 'start entities') this.batch(conversation)
  }

  private warn(socket: WebSocket, message: string): void {
    const details = { message, createdAt: new Date().toISOString(), origin: 'push-handler' }
    socket.send(JSON.stringify({ uuid: randomUUID(), diagnostic: { kind: 'warning', details } }))
  }

  private perform(conversation: Conversation, label: string, { step, data, params }: Frame): unknown {
    if (label === 'init') {
      const { assetEncoding, ...others } = this.capabilities
      const isAsked = params?.assetEncoding === assetEncoding
      return { transferID: randomUUID(), ...others, ...(isAsked ? { assetEncoding } : {}) }
    }
    if (label === 'getMetadata')
      return { createdAt: new Date().toISOString(), strapi: { version: this.version } }
    if (label === 'getSchemas') return this.schemas
    if (label.startsWith('start'))
      return { ok: true, ...(conversation.direction === 'pull' ? { id: 'the-step' } : {}) }
    if (label.startsWith('stream')) {
      const items = data as Row[]
      conversation.counts.set(step!, (conversation.counts.get(step!) ?? 0) + items.length)
      if (step === 'entities') conversation.pending.push(...items)
      return null
    }
    if (label.startsWith('end ')) {
      const count = conversation.counts.get(step!) ?? 0
      return { ok: true, stats: { started: count, finished: count } }
    }
    if (label === 'close' && conversation.direction === 'push') this.rows.push(...conversation.pending)
    return label === 'end' ? { ok: true } : null
  }

  private batch(conversation: Conversation): void {
    this.send(conversation, this.rows, false)
  }

  private acknowledged(conversation: Conversation): void {
    if (conversation.batch !== undefined && !conversation.batch.isLast) this.send(conversation, null, true)
  }

  private send(conversation: Conversation, data: unknown, isLast: boolean): void {
    const uuid = randomUUID()
    conversation.batch = { uuid, isLast }
    const body = { type: 'transfer', data, ended: isLast, error: null, id: 'the-step' }
    conversation.socket.send(JSON.stringify({ uuid, data: body }))
  }
}
