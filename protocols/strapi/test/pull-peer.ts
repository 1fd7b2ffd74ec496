import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Frame, labelOf, recordedSchemas } from './push-peer'

/** What the peer does about a request in place of answering it as Strapi would. */
export type Misbehaviour =
  /** Drops the connection, as when the process is killed. */
  | 'cut'
  /** Closes it with code 1000. */
  | 'leave'
  | 'silent'
  /** Whatever this says on the socket, and then nothing more. */
  | ((socket: WebSocket, frame: Frame) => void)

export const price = (id: number, base: string, value: unknown, more: object = {}) => ({
  type: 'api::price.price',
  id,
  data: {
    documentId: `document-${id}`,
    base,
    quote: 'USD',
    value,
    observedAt: new Date(Date.now() - 1_000).toISOString(),
    createdAt: '2026-11-22T05:18:13.910Z',
    updatedAt: '2026-11-22T05:18:13.918Z',
    publishedAt: '2026-11-22T05:18:13.910Z',
    locale: null,
    ...more,
  },
})

/** What a pull brings whether it is wanted or not. */
export const secrets = [
  {
    type: 'admin::user',
    id: 1,
    data: { email: 'someone@cms.example', password: '$2a$10$hash-of-a-password' },
  },
  { type: 'admin::session', id: 1, data: { sessionId: 'session-of-someone' } },
]

export const batch = (id: string, items: unknown, more: object = {}): string =>
  JSON.stringify({
    uuid: randomUUID(),
    data: { type: 'transfer', data: items, ended: false, error: null, id, ...more },
  })

interface Step {
  id: string
  rest: unknown[][]
  outstanding: string
}

/** A Strapi server as a pull sees it: the entities that a test gives it, one batch after the other, each after an acknowledgement. */
export class PullPeer implements AsyncDisposable {
  /** Batches of the stage `entities` of the transfers to come. */
  entities: unknown[][] = []
  version = '5.54.0'
  schemas: unknown = recordedSchemas()
  /** Said as a warning before the next end marker. */
  warning: string | undefined
  /** Error in the next end marker. */
  stepError: unknown = null
  /** Labels of requests, in order. */
  readonly labels: string[] = []
  readonly closes: number[] = []
  readonly authorizations: (string | undefined)[] = []
  /** Answers the next upgrades with these statuses. */
  readonly refusals: number[] = []
  /** By label; each is used once. */
  readonly misbehaviours = new Map<string, Misbehaviour>()
  /** Does not answer pings. */
  isFrozen = false
  mostAtOnce = 0
  private readonly watchers = new Set<() => void>()

  private constructor(private readonly server: WebSocketServer) {
    server.options.verifyClient = ({ req }, done) => {
      this.authorizations.push(req.headers.authorization)
      const status = this.refusals.shift()
      if (status === undefined) done(true)
      else done(false, status, '{"data":null,"error":{}}')
      this.changed()
    }
    server.on('connection', (socket) => {
      this.mostAtOnce = Math.max(this.mostAtOnce, server.clients.size)
      const steps = new Map<string, Step>()
      socket.on('message', (data: Buffer) => {
        this.take(socket, steps, JSON.parse(data.toString()) as Frame)
        this.changed()
      })
      socket.on('close', (code) => {
        this.closes.push(code)
        this.changed()
      })
    })
  }

  /** @param tls - key and certificate, for `https:` */
  static async start(port = 0, tls?: { key: string; cert: string }): Promise<PullPeer> {
    const http = tls === undefined ? createServer() : createSecureServer(tls)
    const server = new WebSocketServer({ server: http, autoPong: false })
    await new Promise<void>((resolve) => void http.listen(port, '127.0.0.1', resolve))
    const peer = new PullPeer(server)
    server.on('connection', (socket) => socket.on('ping', () => void (peer.isFrozen || socket.pong())))
    return peer
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get adminUrl(): string {
    return `${this.url}/admin`
  }

  /** Connections that are open. */
  get open(): number {
    return this.server.clients.size
  }

  /** Transfers that were begun. */
  get pulls(): number {
    return this.labels.filter((label) => label === 'init').length
  }

  /** Transfers that were led to their end. */
  get ends(): number {
    return this.labels.filter((label) => label === 'end').length
  }

  /** Resolves when `isSo`, looked at after everything that happens here. */
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

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.server.clients) socket.terminate()
    this.server.close()
    await new Promise<void>((resolve) => void this.server.options.server?.close(() => resolve()))
  }

  private changed(): void {
    for (const look of [...this.watchers]) look()
  }

  private take(socket: WebSocket, steps: Map<string, Step>, frame: Frame): void {
    const label = labelOf(frame)
    if (label === undefined) return this.acknowledged(socket, steps, frame.uuid)
    this.labels.push(label)
    const misbehaviour = this.misbehaviours.get(label)
    this.misbehaviours.delete(label)
    if (misbehaviour === 'silent') return
    if (misbehaviour === 'cut') return socket.terminate()
    if (misbehaviour === 'leave') return socket.close(1000)
    if (misbehaviour !== undefined) return misbehaviour(socket, frame)
    const details = { message: `received ${label} uuid:${frame.uuid}`, createdAt: new Date().toISOString() }
    socket.send(JSON.stringify({ uuid: randomUUID(), diagnostic: { kind: 'info', details } }))
    const id = randomUUID()
    socket.send(JSON.stringify({ uuid: frame.uuid, data: this.answer(label, id), error: null }))
    if (!label.startsWith('start ')) return
    const step = { id, rest: label === 'start entities' ? [...this.entities] : [], outstanding: '' }
    steps.set(id, step)
    this.next(socket, step)
  }

  private answer(label: string, id: string): unknown {
    if (label === 'init') return { transferID: id, checksums: true }
    if (label === 'getMetadata')
      return { createdAt: new Date().toISOString(), strapi: { version: this.version } }
    if (label === 'getSchemas') return this.schemas
    if (label.startsWith('start ')) return { ok: true, id }
    return label.startsWith('end') ? { ok: true } : null
  }

  private acknowledged(socket: WebSocket, steps: Map<string, Step>, uuid: string): void {
    for (const step of steps.values()) if (step.outstanding === uuid) this.next(socket, step)
  }

  private next(socket: WebSocket, step: Step): void {
    const items = step.rest.shift()
    const isEnd = items === undefined
    if (isEnd && this.warning !== undefined)
      socket.send(
        JSON.stringify({
          uuid: randomUUID(),
          diagnostic: { kind: 'warning', details: { message: this.warning } },
        }),
      )
    const frame = batch(step.id, items ?? null, isEnd ? { ended: true, error: this.stepError } : {})
    step.outstanding = isEnd ? '' : (JSON.parse(frame) as Frame).uuid
    socket.send(frame)
  }
}
