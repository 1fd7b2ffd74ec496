import { type ServerResponse } from 'node:http'
import { realInterval } from './guard'

/** What a loopback provider answers a request with, and what becomes of it on the way. {@link answers} makes those that are often wanted. */
export interface HttpAnswer {
  /** Default 200. */
  status?: number
  headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON, a string and a Buffer as they are. Default: none. */
  body?: object | string | Buffer
  /**
   * - `whole` (default): it is sent.
   * - `never`: the request is read and left unanswered, its connection stays.
   * - `reset`: the connection is reset in place of an answer.
   * - `cut`: all of the body is announced, half of it sent, and then the connection is reset.
   * - `slow`: the body comes in ten pieces, one each `everyMs` of real time.
   * - `stream`: it is the beginning of a stream of events, which a test then sends on.
   */
  fate?: 'whole' | 'never' | 'reset' | 'cut' | 'slow' | 'stream'
  /** Real ms between two pieces of a slow body. Default 50. */
  everyMs?: number
}

const PIECES = 10
const EVERY_MS = 50

/** Answers of a provider, the faulty ones by what is wrong with them. */
export const answers = {
  /** A good one: this as JSON. */
  json: (body: object): HttpAnswer => ({ body }),
  status: (status: number, body?: HttpAnswer['body']): HttpAnswer => ({
    status,
    ...(body !== undefined && { body }),
  }),
  /** 429 with `Retry-After` in seconds. */
  tooManyRequests: (retryAfterSeconds: number): HttpAnswer => ({
    status: 429,
    headers: { 'retry-after': String(retryAfterSeconds) },
    body: { error: 'too many requests' },
  }),
  /** @param to - a URL, or a path of this provider */
  redirect: (to: string, status = 302): HttpAnswer => ({ status, headers: { location: to } }),
  /** It says that it is JSON, and is none. */
  garbage: (): HttpAnswer => ({
    headers: { 'content-type': 'application/json' },
    body: '<html>\u0000 no JSON {"result": 1',
  }),
  /** JSON text of so many bytes. */
  huge: (bytes: number): HttpAnswer => ({
    headers: { 'content-type': 'application/json' },
    body: `"${'x'.repeat(Math.max(0, bytes - 2))}"`,
  }),
  cut: (body: object | string): HttpAnswer => ({ body, fate: 'cut' }),
  slow: (body: object | string, everyMs = EVERY_MS): HttpAnswer => ({ body, fate: 'slow', everyMs }),
  never: (): HttpAnswer => ({ fate: 'never' }),
  reset: (): HttpAnswer => ({ fate: 'reset' }),
  /** Begins a stream of server-sent events. */
  stream: (): HttpAnswer => ({ fate: 'stream' }),
} as const

const bytesOf = (body: HttpAnswer['body']): Buffer => {
  if (body === undefined) return Buffer.alloc(0)
  if (Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

const typeOf = (body: HttpAnswer['body']): Record<string, string> => {
  if (body === undefined || Buffer.isBuffer(body)) return {}
  return { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' }
}

const sendSlowly = (bytes: Buffer, response: ServerResponse, everyMs: number): void => {
  const size = Math.max(1, Math.ceil(bytes.length / PIECES))
  let sent = 0
  const end = realInterval(everyMs, () => {
    if (sent >= bytes.length) {
      end()
      response.end()
    } else response.write(bytes.subarray(sent, (sent += size)))
  })
  response.once('close', end)
}

/** @internal Carries an answer out, but for what a stream sends after its head. */
export const carryOut = (answer: HttpAnswer, response: ServerResponse): void => {
  const { status = 200, headers, body, fate = 'whole' } = answer
  if (fate === 'never') return
  if (fate === 'reset') return void response.socket?.resetAndDestroy()
  if (fate === 'stream') {
    response.writeHead(status, { 'content-type': 'text/event-stream', ...headers })
    return response.flushHeaders()
  }
  const bytes = bytesOf(body)
  response.writeHead(status, { ...typeOf(body), 'content-length': bytes.length, ...headers })
  if (fate === 'whole') return void response.end(bytes)
  if (fate === 'slow') return sendSlowly(bytes, response, answer.everyMs ?? EVERY_MS)
  const half = bytes.subarray(0, Math.floor(bytes.length / 2))
  response.write(half, () => response.socket?.resetAndDestroy())
}
