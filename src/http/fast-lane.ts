import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type FastifyInstance } from 'fastify'
import { makeLogger } from '../util/logging'

const logger = makeLogger('FastLane')

declare module 'fastify' {
  interface FastifyInstance {
    fastLane: FastLane
  }
}

/**
 * Answers a body that it knows.
 *
 * @param body - the bytes of the body, one character each
 * @returns false when it does not know the body, or has no value for it; then nothing was sent
 */
export type KnownAnswer = (body: string, res: ServerResponse, startedAtMs: number) => boolean

/** Longer bodies are not looked at: they are rare, and what knows them would grow large. */
export const MAX_KNOWN_BODY = 8_192

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

/**
 * The short way for a request that has been seen before: a small body in one piece is answered before the server routes it, parses it
 * and makes objects for it. Everything else reaches the server as if nobody had looked, and is answered alike; so does all
 * there is once somebody hooks into the server's requests, and while it closes.
 */
export class FastLane {
  private readonly answers = new Map<string, KnownAnswer>()
  private isOpen = true

  /** Puts a lane in front of a server, before anything else is added to it. */
  static before(app: FastifyInstance): void {
    const lane = new FastLane()
    app.decorate('fastLane', lane)
    const { server } = app
    const [serve] = server.listeners('request') as [(req: IncomingMessage, res: ServerResponse) => void]
    server.removeListener('request', serve)
    server.on('request', (req, res) => {
      if (!lane.take(req, res, serve)) serve(req, res)
    })
    // Plugins get objects that inherit from this one, so their hooks pass here too.
    const addHook = Reflect.get(app, 'addHook') as (name: string, hook: unknown) => FastifyInstance
    app.addHook = function (this: FastifyInstance, name: string, hook: unknown) {
      if (REQUEST_HOOKS.has(name)) lane.isOpen = false
      return addHook.call(this, name, hook)
    }
    app.addHook('preClose', (done) => {
      lane.isOpen = false
      done()
    })
  }

  /** @param path - the exact URL, without a query */
  add(path: string, answer: KnownAnswer): void {
    this.answers.set(path, answer)
  }

  private take(
    req: IncomingMessage,
    res: ServerResponse,
    serve: (req: IncomingMessage, res: ServerResponse) => void,
  ): boolean {
    if (!this.isOpen || req.method !== 'POST') return false
    const answer = this.answers.get(req.url as string)
    const { headers } = req
    if (answer === undefined || headers['content-type'] !== 'application/json') return false
    const length = Number(headers['content-length'])
    if (!(length > 0 && length <= MAX_KNOWN_BODY)) return false
    const startedAtMs = performance.now()
    const onData = (chunk: Buffer) => {
      try {
        if (chunk.length === length && answer(chunk.toString('latin1'), res, startedAtMs)) return
      } catch (error) {
        // Thrown out of a stream it would end the process; the server answers for what cannot be rendered.
        if (res.headersSent) return void logger.error({ err: error }, 'What follows an answer failed')
      }
      // Put back, for the server to read.
      req.removeListener('data', onData)
      req.pause()
      req.unshift(chunk)
      serve(req, res)
    }
    req.on('data', onData)
    return true
  }
}
