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

/** Who answers the requests to a path from memory. `Plan` is what it knows of one. */
export interface LanedRoute<Plan> {
  /**
   * What a body asks for; undefined where the server is to find out.
   *
   * @param raw - bytes with one character each, in which the body lies from `bodyAt` to `bodyEnd`
   */
  find(raw: string, bodyAt: number, bodyEnd: number): Plan | undefined
  /** The body of the current answer with status 200, in ASCII. Undefined: the server answers the request. */
  read(plan: Plan): string | undefined
  /** Called when an answer has been sent. */
  sent(plan: Plan, startedAtMs: number, bodyBytes: number): void
}

/** What the bytes before a body mean: how long the body is, and who answers. */
interface Head {
  text: string
  bodyBytes: number
  route: LanedRoute<unknown>
}

/** A request that can be answered. */
interface Found {
  head: Head
  plan: unknown
  /** The answer's body. */
  answer: string
  /** Where it begins and ends in its chunk. */
  at: number
  end: number
}

/** Longer chunks are left to the server: they are rare, and would take much memory here. */
const MAX_CHUNK_BYTES = 8_192
/** Clients send the same headers each time, but for the length. */
const MAX_HEADS_BYTES = 1024 * 1024
const BYTES_PER_HEAD = 100

const END_OF_HEAD = '\r\n\r\n'

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
 * The state of one connection of a client. Requests are recognised by their bytes. That is valid only where the parser is at the beginning
 * of a request: each earlier request that it got came whole and alone, and has been answered.
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
  /** The head of its last request. A client mostly sends the same one again, and to compare it is faster than to look it up. */
  lastHead: Head | undefined

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
    this.isWhole =
      !this.hasLeft &&
      request?.complete === true &&
      request.headers['transfer-encoding'] === undefined &&
      // The parser passes over what comes behind such a request.
      request.headers.upgrade === undefined &&
      raw.length === headOf(raw).length + Number(request.headers['content-length'] ?? 0)
    if (!this.isWhole) this.hasLeft = true
  }
}

const BEGINNING = `HTTP/1.1 200 OK\r\ncontent-type: ${JSON_TYPE}\r\ncontent-length: `

/** With the headers in the order that the server has. */
const answerOf = (body: string, end: string): string => BEGINNING + body.length + end + body

/** All before the body, the empty line included. */
const headOf = (raw: string, from = 0): string =>
  raw.slice(from, raw.indexOf(END_OF_HEAD, from) + END_OF_HEAD.length)

type LanedSocket = Socket & { [LANED]?: LanedConnection }

/**
 * Answers requests in front of the server. Bytes that the server once parsed as the head of one whole request, and answered from a plan, mean
 * the same whenever they begin a request. Where its route knows what the body asks for, that is answered when it arrives, without parsing,
 * routing or request objects. Everything else goes to the server unchanged, which answers in the same way. So do all requests when somebody
 * has added a hook for requests, and while the server closes.
 */
export class FastLane {
  private readonly heads = new LRUCache<string, Head>({
    maxSize: MAX_HEADS_BYTES,
    sizeCalculation: (_known, head) => head.length + BYTES_PER_HEAD,
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
    this.heads.clear()
  }

  /** Remembers the head of a request that is being answered from a plan, if it can be recognised by its bytes. */
  learn(request: IncomingMessage, route: LanedRoute<unknown>): void {
    const socket: LanedSocket = request.socket
    const connection = socket[LANED]
    if (connection?.request !== request || !connection.isWhole || !this.isOpen) return
    const { raw, response } = connection
    // A request that also changes how the connection is used (another version, `close`, `Expect`) is left to the server.
    if (
      request.httpVersion !== '1.1' ||
      response?.shouldKeepAlive !== true ||
      request.headers.expect !== undefined
    )
      return
    const head = headOf(raw)
    // A copy: a part of a text keeps all of it in memory.
    const text = Buffer.from(head, 'latin1').toString('latin1')
    this.heads.set(text, { text, bodyBytes: raw.length - head.length, route })
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
        this.isOpen && chunk.length <= MAX_CHUNK_BYTES && !connection.hasLeft && connection.isAtBeginning()
      const raw = isCandidate ? chunk.toString('latin1') : ''
      const taken = isCandidate && !connection.isFresh() ? this.take(raw, socket, connection) : 0
      if (taken === 0) this.pass(raw, connection, () => parse.call(socket, chunk))
      else if (taken < chunk.length)
        this.pass(raw.slice(taken), connection, () => parse.call(socket, chunk.subarray(taken)))
    })
  }

  /** Answers the known requests at the beginning of a chunk. @returns how many bytes they are */
  private take(raw: string, socket: Socket, connection: LanedConnection): number {
    // A client that does not read its answers is left to the server, which slows it down.
    if (socket.writableLength > 0) return 0
    const startedAtMs = performance.now()
    const found: Found[] = []
    let at = 0
    while (at < raw.length) {
      const one = this.find(raw, at, connection)
      if (one === undefined) break
      found.push(one)
      at = one.end
    }
    // The parser refuses rubbish before it answers the request in front of it.
    if (at < raw.length && !this.heads.has(headOf(raw, at))) at = found.pop()?.at ?? 0
    if (found.length === 0) return 0
    const end = this.headOfNow()
    socket.write(found.map(({ answer }) => answerOf(answer, end)).join(''), 'latin1')
    for (const { head, plan } of found) head.route.sent(plan, startedAtMs, head.bodyBytes)
    return at
  }

  /** The answer to the request that begins here; undefined where the server is to answer it. */
  private find(raw: string, at: number, connection: LanedConnection): Found | undefined {
    const head = this.knownAt(raw, at, connection)
    if (head === undefined) return undefined
    const { text, bodyBytes, route } = head
    const bodyAt = at + text.length
    const end = bodyAt + bodyBytes
    if (end > raw.length) return undefined
    try {
      const plan = route.find(raw, bodyAt, end)
      const answer = plan === undefined ? undefined : route.read(plan)
      return answer === undefined ? undefined : { head, plan, answer, at, end }
    } catch (error) {
      // An error that is thrown in a stream's listener would end the process. The server answers instead, with an error.
      logger.debug({ err: error }, 'A known request could not be answered at once')
      return undefined
    }
  }

  private knownAt(raw: string, at: number, connection: LanedConnection): Head | undefined {
    const { lastHead } = connection
    if (lastHead !== undefined && raw.startsWith(lastHead.text, at)) return lastHead
    const head = this.heads.get(headOf(raw, at))
    if (head !== undefined) connection.lastHead = head
    return head
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

  /** The end of the head of every answer with status 200. It holds the date, so it is made again once a second. */
  private headOfNow(): string {
    const now = Date.now()
    const second = Math.floor(now / 1_000)
    if (second !== this.headSecond) {
      this.headSecond = second
      const { keepAliveTimeout } = this.server
      const keep =
        keepAliveTimeout > 0 ? `Keep-Alive: timeout=${Math.floor(keepAliveTimeout / 1_000)}\r\n` : ''
      const date = new Date(now).toUTCString()
      this.head = `\r\nDate: ${date}\r\nConnection: keep-alive\r\n${keep}\r\n`
    }
    return this.head
  }
}

const isSpecial = (server: Server): boolean =>
  server.listenerCount('upgrade') > 0 ||
  server.listenerCount('connect') > 0 ||
  (server.maxRequestsPerSocket ?? 0) > 0
