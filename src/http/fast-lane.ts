import { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { type FastifyInstance } from 'fastify'
import { LRUCache } from 'lru-cache'
import { makeLogger } from '../util/logging'
import { JSON_TYPE } from '../adapter/error-answers'
import { overflowing } from '../metrics/bounds'

const logger = makeLogger('FastLane')

declare module 'fastify' {
  interface FastifyInstance {
    fastLane: FastLane
  }
}

/** What a request that has been seen before is answered with. */
export interface KnownAnswer {
  /** The current answer with status 200, from its `content-length` header on, in ASCII. Undefined: the server answers the request. */
  read(): string | undefined
  /** Called when the answer has been sent. */
  note(startedAtMs: number): void
}

/** Longer requests are left to the server: they are rare, and would take much memory here. */
const MAX_REQUEST_BYTES = 8_192
const MAX_MEMO_BYTES = 32 * 1024 * 1024
const BYTES_PER_ANSWER = 500

/** Hooks of the server that are called for requests. Code that adds one must see all requests. */
const REQUEST_HOOKS = new Set([
  'onRequest',
  'preParsing',
  'preValidation',
  'preHandler',
  'preSerialization',
  'onSend',
  'onResponse',
  'onError',
  'onTimeout',
  'onRequestAbort',
])

const LANED: unique symbol = Symbol('tickwell.lanedConnection')

/**
 * The state of one connection of a client. A request is recognised by all of its bytes. That is valid only where the parser is at the
 * beginning of a request: each earlier request came whole and alone in its chunk, and has been answered.
 */
class LanedConnection {
  /** The bytes of the last chunk that the server got as a possible request, one character each. */
  raw = ''
  request: IncomingMessage | undefined
  response: ServerResponse | undefined
  /** Whether `raw` was exactly one whole request. */
  isWhole = false
  /** Something was too long, came in pieces, with another request, or before the last answer: from now on the server gets everything. */
  hasLeft = false

  /** The server must get the first request of a connection: without it, it would close the connection for sending none in time. */
  isFresh(): boolean {
    return this.response === undefined
  }

  /** Whether the next byte begins a request. */
  isAtBeginning(): boolean {
    const { response } = this
    return response === undefined || (response.writableFinished && response.shouldKeepAlive)
  }

  begin(raw: string): void {
    this.raw = raw
    this.isWhole = false
    this.request = undefined
    this.response = undefined
  }

  /** Called when the server has parsed `raw`; {@link FastLane} has noted here which request came of it. */
  check(): void {
    const { raw, request } = this
    const bodyAt = raw.indexOf('\r\n\r\n') + 4
    this.isWhole =
      !this.hasLeft &&
      request?.complete === true &&
      request.headers['transfer-encoding'] === undefined &&
      raw.length === bodyAt + Number(request.headers['content-length'] ?? 0)
    if (!this.isWhole) this.hasLeft = true
  }
}

type LanedSocket = Socket & { [LANED]?: LanedConnection }

/**
 * Answers requests that have been seen before. Bytes that the server once parsed as one whole request, and answered from a plan, mean the
 * same whenever they come alone. They are answered when they arrive, without parsing, routing or request objects. Everything else goes to
 * the server unchanged, which answers in the same way. So do all requests when somebody has added a hook for requests, and while the
 * server closes.
 */
export class FastLane {
  private readonly known = new LRUCache<string, KnownAnswer>({
    maxSize: MAX_MEMO_BYTES,
    sizeCalculation: (_answer, raw) => raw.length + BYTES_PER_ANSWER,
    dispose: overflowing('remembered_requests'),
  })
  private isOpen = true
  /** The connection whose bytes the server is parsing at this moment. */
  private parsing: LanedConnection | undefined
  private head = ''
  private headSecond = 0

  private constructor(private readonly server: Server) {}

  /** Puts a lane in front of a server. Call it before anything else is added to the server. */
  static before(app: FastifyInstance): void {
    const lane = new FastLane(app.server)
    app.decorate('fastLane', lane)
    const event = app.server instanceof TlsServer ? 'secureConnection' : 'connection'
    app.server.on(event, (socket: Socket) => lane.enter(socket))
    app.server.prependListener('request', (request, response) => lane.noteRequest(request, response))
    // Plugins get objects that inherit from this one, so their hooks are noticed here too.
    const addHook = Reflect.get(app, 'addHook') as (name: string, hook: unknown) => FastifyInstance
    app.addHook = function (this: FastifyInstance, name: string, hook: unknown) {
      if (REQUEST_HOOKS.has(name)) lane.close()
      return addHook.call(this, name, hook)
    }
    app.addHook('preClose', (done) => {
      lane.close()
      done()
    })
  }

  /** From now on the server answers all requests. */
  close(): void {
    this.isOpen = false
    this.known.clear()
  }

  /** Remembers a request that is being answered from a plan, if it can be recognised by its bytes. */
  learn(request: IncomingMessage, answer: KnownAnswer): void {
    const socket: LanedSocket = request.socket
    const connection = socket[LANED]
    if (connection?.request !== request || !connection.isWhole || !this.isOpen) return
    const { raw, response } = connection
    // A request that also changes how the connection is used (another version, `close`, `Expect`) is left to the server.
    if (
      request.httpVersion === '1.1' &&
      response?.shouldKeepAlive === true &&
      request.headers.expect === undefined
    )
      this.known.set(raw, answer)
  }

  private enter(socket: LanedSocket): void {
    const { server } = this
    const listeners = socket.listeners('data') as ((chunk: Buffer) => void)[]
    const [parse] = listeners
    // Other code reads the bytes too, or the connection may become something other than HTTP.
    if (parse === undefined || listeners.length > 1 || !this.isOpen || isSpecial(server)) return
    const connection = new LanedConnection()
    socket[LANED] = connection
    socket.removeListener('data', parse)
    socket.on('data', (chunk: Buffer) => {
      const isCandidate =
        this.isOpen && chunk.length <= MAX_REQUEST_BYTES && !connection.hasLeft && connection.isAtBeginning()
      const raw = isCandidate ? chunk.toString('latin1') : ''
      if (!isCandidate || connection.isFresh() || !this.take(raw, socket))
        this.pass(raw, connection, () => parse.call(socket, chunk))
    })
  }

  private take(raw: string, socket: Socket): boolean {
    const startedAtMs = performance.now()
    const answer = this.known.get(raw)
    // A client that does not read its answers is left to the server, which slows it down.
    if (answer === undefined || socket.writableLength > 0) return false
    try {
      const text = answer.read()
      if (text === undefined) return false
      socket.write(this.headOfNow() + text, 'latin1')
    } catch (error) {
      // An error that is thrown in a stream's listener would end the process. The server answers instead, with an error.
      logger.debug({ err: error }, 'A known request could not be answered at once')
      return false
    }
    answer.note(startedAtMs)
    return true
  }

  /** @param raw - the chunk as text; empty when it cannot be one whole request */
  private pass(raw: string, connection: LanedConnection, parse: () => void): void {
    if (raw === '') connection.hasLeft = true
    if (connection.hasLeft) return parse()
    connection.begin(raw)
    this.parsing = connection
    try {
      parse()
    } finally {
      this.parsing = undefined
    }
    connection.check()
  }

  private noteRequest(request: IncomingMessage, response: ServerResponse): void {
    const { parsing } = this
    if (parsing === undefined) return
    if (parsing.request !== undefined) parsing.hasLeft = true
    parsing.request = request
    parsing.response = response
  }

  /** The beginning of every answer with status 200. It holds the date, so it is made again once a second. */
  private headOfNow(): string {
    const now = Date.now()
    const second = Math.floor(now / 1_000)
    if (second !== this.headSecond) {
      this.headSecond = second
      const { keepAliveTimeout } = this.server
      const keep =
        keepAliveTimeout > 0 ? `Keep-Alive: timeout=${Math.floor(keepAliveTimeout / 1_000)}\r\n` : ''
      const date = new Date(now).toUTCString()
      this.head = `HTTP/1.1 200 OK\r\ncontent-type: ${JSON_TYPE}\r\nDate: ${date}\r\nConnection: keep-alive\r\n${keep}`
    }
    return this.head
  }
}

const isSpecial = (server: Server): boolean =>
  server.listenerCount('upgrade') > 0 ||
  server.listenerCount('connect') > 0 ||
  (server.maxRequestsPerSocket ?? 0) > 0
