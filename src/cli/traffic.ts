import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type ClientRequest, type IncomingMessage } from 'node:http'
import { type ClientOptions } from 'ws'
import { WebSocketClassProvider } from '../connections/class-provider'
import { redactText } from '../util/redaction'

/** Something that went to a provider or came from it, without secrets. */
export interface Traffic {
  /** Since the beginning, in ms. */
  atMs: number
  direction: 'sent' | 'received' | 'connection'
  text: string
}

const textOf = (data: unknown, isBinary = false): string => {
  if (typeof data === 'string') return data
  if (!Buffer.isBuffer(data)) return '(binary)'
  return isBinary ? `(${data.length} bytes) ${data.toString('hex')}` : data.toString()
}

const urlOf = ({ protocol, host, path }: ClientRequest): string => `${protocol}//${host}${path}`

/** The body is read beside its reader, who is not disturbed. */
const hearBody = (response: IncomingMessage, heard: (body: Buffer) => void): void => {
  const chunks: Buffer[] = []
  const push = response.push.bind(response)
  response.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (Buffer.isBuffer(chunk)) chunks.push(chunk)
    if (chunk === null) heard(Buffer.concat(chunks))
    return push(chunk, encoding)
  }
}

/**
 * Hears all WebSocket frames, and HTTP requests by `node:http`, of this process from now on.
 *
 * @returns ends it
 */
export const hearTraffic = (heard: (traffic: Traffic) => void): (() => void) => {
  const begin = performance.now()
  const say = (direction: Traffic['direction'], text: string) =>
    heard({ atMs: Math.round(performance.now() - begin), direction, text: redactText(text) })

  const Usual = WebSocketClassProvider.get()
  class HeardSocket extends Usual {
    constructor(url: string, protocols?: string | string[], options?: ClientOptions) {
      super(url, protocols, options)
      say('connection', `connecting to ${url}`)
    }

    override send(...args: unknown[]): void {
      say('sent', textOf(args[0]))
      ;(super.send as (...given: unknown[]) => void)(...args)
    }

    override emit(event: string | symbol, ...args: unknown[]): boolean {
      if (event === 'open') say('connection', 'open')
      if (event === 'message') say('received', textOf(args[0], args[1] === true))
      if (event === 'error') say('connection', String(args[0]))
      if (event === 'close') say('connection', `closed with ${String(args[0])}`)
      return super.emit(event, ...args)
    }
  }
  WebSocketClassProvider.set(HeardSocket)

  const requested = (message: unknown) => {
    const { request } = message as { request: ClientRequest }
    // The upgrade of a WebSocket is told by its socket.
    if (request.getHeader('upgrade') === undefined) say('sent', `${request.method} ${urlOf(request)}`)
  }
  const answered = (message: unknown) => {
    const { response } = message as { response: IncomingMessage }
    const encoding = response.headers['content-encoding']
    hearBody(response, (body) =>
      say(
        'received',
        `${response.statusCode} ${encoding ? `(${body.length} bytes, ${encoding})` : body.toString()}`,
      ),
    )
  }
  subscribe('http.client.request.start', requested)
  subscribe('http.client.response.finish', answered)
  return () => {
    WebSocketClassProvider.set(Usual)
    unsubscribe('http.client.request.start', requested)
    unsubscribe('http.client.response.finish', answered)
  }
}
