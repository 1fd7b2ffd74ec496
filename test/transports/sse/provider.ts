import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'

/** A request that the provider was sent beside its streams. */
export interface Call {
  path: string
  body: string[]
}

/** One stream that the provider has begun. */
export interface Stream {
  /** Path and query that it was asked for with. */
  url: string
  /** Resolves when the other side has let go. */
  gone: Promise<void>
  isGone: () => boolean
  event(type: string, data: unknown): void
  raw(text: string | Uint8Array): void
  end(): void
  destroy(): void
}

interface Waiter {
  isMet: () => boolean
  resolve: () => void
}

/** A provider of server-sent events on the loopback interface, and of the requests that go with them. */
export class SseProvider implements AsyncDisposable {
  readonly streams: Stream[] = []
  readonly calls: Call[] = []
  /** How the next streams are answered: begun, or with a status, or not at all. */
  answer: 'stream' | 'never' | number = 'stream'
  /** What else an answer with a status says. */
  headers: Record<string, string> = {}
  /** How requests are answered, by their path. */
  statusOf = (_call: Call): number | 'never' => 200
  /** Streams asked for, answered or not. */
  asked = 0
  private readonly waiters = new Set<Waiter>()
  private readonly server = createServer((req, res) => {
    if (req.method === 'GET') this.stream(req, res)
    else void this.call(req, res)
  })

  static async start(): Promise<SseProvider> {
    const provider = new SseProvider()
    provider.server.listen(0, '127.0.0.1')
    await once(provider.server, 'listening')
    return provider
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** The n-th stream, counted from 0, when it is there. */
  async connection(n: number): Promise<Stream> {
    await this.until(() => this.streams.length > n)
    return this.streams[n] as Stream
  }

  /** The n-th request, counted from 0, when it is there. */
  async request(n: number): Promise<Call> {
    await this.until(() => this.calls.length > n)
    return this.calls[n] as Call
  }

  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve()
    return new Promise((resolve) => this.waiters.add({ isMet, resolve }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }

  private stream(req: IncomingMessage, res: ServerResponse): void {
    this.asked++
    const { answer } = this
    if (typeof answer === 'number') {
      res.writeHead(answer, { 'content-type': 'text/plain', ...this.headers }).end('no stream here')
    } else if (answer === 'stream') {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.flushHeaders()
      const closed = once(res, 'close').then(() => this.notify())
      this.streams.push({
        url: String(req.url),
        gone: closed,
        isGone: () => res.closed,
        event: (type, data) => void res.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`),
        raw: (text) => void res.write(text),
        end: () => void res.end(),
        destroy: () => void res.destroy(),
      })
    }
    this.notify()
  }

  private async call(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of req) text += String(chunk)
    const call = { path: String(req.url), body: text === '' ? [] : (JSON.parse(text) as string[]) }
    this.calls.push(call)
    const status = this.statusOf(call)
    if (status !== 'never') res.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    this.notify()
  }

  private notify(): void {
    for (const waiter of [...this.waiters]) {
      if (!waiter.isMet()) continue
      this.waiters.delete(waiter)
      waiter.resolve()
    }
  }
}
