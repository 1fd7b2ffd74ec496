import { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { type FastifyInstance } from 'fastify'
import { LRUCache } from 'lru-cache'
import { makeLogger } from '../util/logging'
import { JSON_TYPE } from '../adapter/error-answers'

const logger = makeLogger('FastLane')

declare module 'fastify' {
  interface FastifyInstance {
    fastLane: FastLane
  }
}

/** What a request that has been seen before is answered with. */
export interface KnownAnswer {
  /** The good answer of now, from its `content-length` header on, in ASCII; undefined leaves the request to the server. */
  read(): string | undefined
  /** Called when that has been sent. */
  note(startedAtMs: number): void
}

/** Longer requests are not looked at: they are rare, and what knows them would grow large. */
const MAX_REQUEST_BYTES = 8_192
const MAX_MEMO_BYTES = 32 * 1024 * 1024
const BYTES_PER_ANSWER = 500

/** Hooks of the server that see requests. Whoever adds one wants to see all of them. */
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
 * What one connection is at. A request counts as known only by all of its bytes, and those tell nothing unless the parser stands at the
 * beginning of one: every request before it came whole, by itself, and has been answered.
 */
class LanedConnection {
  /** Bytes of the last request that the server got, one character each, if it came whole and in one piece. */
  raw = ''
  request: IncomingMessage | undefined
  response: ServerResponse | undefined
  /** `raw` turned out to be one whole request, and nothing beside it. */
  isWhole = false
  /** Something came in pieces, in a crowd or not in order: from here on everything is the server's. */
  hasLeft = false

  /** The first request is always the server's: until it has had one it holds a connection for one that is late with it. */
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

  /** The server has been given `raw`, and made of it what {@link FastLane} noted here. */
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
 * The short way for a request that has been seen before: bytes that the server once took for a whole request, and that it answered from a
 * plan, mean the same whenever they come alone. They are answered as they come in, before they are parsed, routed and made objects of.
 * Everything else reaches the server as if nobody had looked, and is answered alike; so does all there is once somebody hooks into the
 * server's requests, and while it closes.
 */
export class FastLane {
  private readonly known = new LRUCache<string, KnownAnswer>({
    maxSize: MAX_MEMO_BYTES,
    sizeCalculation: (_answer, raw) => raw.length + BYTES_PER_ANSWER,
  })
  private isOpen = true
  /** Whose bytes the server is parsing at this moment. */
  private parsing: LanedConnection | undefined
  private head = ''
  private headSecond = 0

  private constructor(private readonly server: Server) {}

  /** Puts a lane in front of a server, before anything else is added to it. */
  static before(app: FastifyInstance): void {
    const lane = new FastLane(app.server)
    app.decorate('fastLane', lane)
    const event = app.server instanceof TlsServer ? 'secureConnection' : 'connection'
    app.server.on(event, (socket: Socket) => lane.enter(socket))
    app.server.prependListener('request', (request, response) => lane.noteRequest(request, response))
    // Plugins get objects that inherit from this one, so their hooks pass here too.
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

  /** From now on the server answers everything. */
  close(): void {
    this.isOpen = false
    this.known.clear()
  }

  /** Remembers a request that is being answered from a plan, if it is one that can be known by its bytes. */
  learn(request: IncomingMessage, answer: KnownAnswer): void {
    const socket: LanedSocket = request.socket
    const connection = socket[LANED]
    if (connection?.request !== request || !connection.isWhole || !this.isOpen) return
    const { raw, response } = connection
    // One that is about its connection, and not only about a feed, is the server's.
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
    // Somebody reads along, or connections may become something else than HTTP.
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
    // Who does not read its answers is held back by the server.
    if (answer === undefined || socket.writableLength > 0) return false
    try {
      const text = answer.read()
      if (text === undefined) return false
      socket.write(this.headOfNow() + text, 'latin1')
    } catch (error) {
      // Thrown out of a stream it would end the process; the server answers for what cannot be rendered.
      logger.debug({ err: error }, 'A known request could not be answered at once')
      return false
    }
    answer.note(startedAtMs)
    return true
  }

  /** @param raw - empty when it is not, or not known to be, one whole request */
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

  /** What every good answer begins with, made anew once a second. */
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
