import './disposal'
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type EventStream, LoopbackStream } from './event-stream'
import { answers, carryOut, type HttpAnswer } from './http-answer'
import { Inbox } from './inbox'
import { LoopbackServer } from './loopback-server'
import { Milestones } from './milestones'
import { type ProviderRequest, readRequest } from './provider-request'

/** An answer for every request, or what makes one; undefined is an empty 404. */
export type HttpScript =
  HttpAnswer | ((request: ProviderRequest) => HttpAnswer | undefined | Promise<HttpAnswer | undefined>)

/** A data provider on 127.0.0.1 that answers requests, and sends events, as a test says. Ends with `stop()`, or with an `await using`. */
export interface HttpProvider extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`; the same after a {@link restart}. */
  readonly url: string
  /** Every request that came, those of streams among them. */
  readonly requests: readonly ProviderRequest[]
  /** Every stream of events there ever was, ended ones included. */
  readonly streams: readonly EventStream[]
  /** How many of {@link streams} are open. */
  readonly openCount: number
  /** How requests are answered from now on. At first: {@link answers}.stream() for who accepts events alone, and an empty 404 for others. */
  answer(script: HttpScript): void
  /** How the next requests are answered, one after the other, before it goes on as before. */
  answerNext(...scripts: HttpScript[]): void
  /** The oldest request that matches and was not returned before; waits for it. */
  next(matches?: (request: ProviderRequest) => boolean): Promise<ProviderRequest>
  /** Waits until `count` requests have come in all. */
  requested(count: number): Promise<void>
  /** Waits for the n-th stream of events (0 is the first). */
  stream(index: number): Promise<EventStream>
  /** The handler is called for each stream as it begins. */
  onStream(handler: (stream: EventStream) => void): void
  /** Resets every connection. Afterwards connections to the port are refused. */
  stop(): Promise<void>
  /** Listens again on the same port, after stopping if need be. */
  restart(): Promise<void>
}

/** How an {@link httpProvider} behaves. */
export interface HttpProviderOptions {
  /** How long a wait lasts before it fails, in real ms. Default 20 000. */
  guardMs?: number | undefined
}

const EVENTS = 'text/event-stream'

const byDefault = ({ headers }: ProviderRequest): HttpAnswer | undefined =>
  headers.accept === EVENTS ? answers.stream() : undefined

class LoopbackHttp implements HttpProvider {
  readonly requests: ProviderRequest[] = []
  readonly streams: LoopbackStream[] = []
  private script: HttpScript = byDefault
  private readonly nextScripts: HttpScript[] = []
  private readonly streamHandlers: ((stream: EventStream) => void)[] = []
  private readonly inbox: Inbox<ProviderRequest>
  private readonly milestones: Milestones
  private readonly server = new LoopbackServer({
    request: (request, response) => {
      // Its connection may end while it is being read: then there is nothing to answer.
      this.take(request, response).catch(() => response.destroy())
    },
  })

  constructor(guardMs: number | undefined) {
    this.inbox = new Inbox<ProviderRequest>('a request', guardMs, ({ method, path }) => `${method} ${path}`)
    const seen = () =>
      `${this.requests.length} requests, ${this.streams.length} streams, ${this.openCount} open`
    this.milestones = new Milestones(seen, guardMs)
  }

  get url(): string {
    return `http://${this.server.host}`
  }

  get openCount(): number {
    return this.streams.filter(({ isOpen }) => isOpen).length
  }

  answer(script: HttpScript): void {
    this.script = script
  }

  answerNext(...scripts: HttpScript[]): void {
    this.nextScripts.push(...scripts)
  }

  next(matches?: (request: ProviderRequest) => boolean): Promise<ProviderRequest> {
    return this.inbox.next(matches)
  }

  requested(count: number): Promise<void> {
    return this.milestones.until(`request ${count}`, () => this.requests.length >= count)
  }

  async stream(index: number): Promise<EventStream> {
    await this.milestones.until(`stream ${index}`, () => this.streams.length > index)
    return this.streams[index]!
  }

  onStream(handler: (stream: EventStream) => void): void {
    this.streamHandlers.push(handler)
  }

  stop(): Promise<void> {
    return this.server.stop()
  }

  restart(): Promise<void> {
    return this.server.restart()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  listen(): Promise<void> {
    return this.server.listen()
  }

  private async take(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming, response, this.requests.length)
    this.requests.push(request)
    const script = this.nextScripts.shift() ?? this.script
    this.inbox.put(request)
    this.milestones.look()
    const answer = (typeof script === 'function' ? await script(request) : script) ?? answers.status(404)
    if (response.destroyed) return
    carryOut(answer, response)
    if (answer.fate === 'stream') this.begin(request, response)
  }

  private begin(request: ProviderRequest, response: ServerResponse): void {
    const stream = new LoopbackStream(this.streams.length, request, response)
    this.streams.push(stream)
    for (const handler of this.streamHandlers) handler(stream)
    this.milestones.look()
  }
}

/**
 * Starts a data provider over HTTP, and for server-sent events, on a free port of 127.0.0.1. All its waits end by an event, or fail with
 * a message that says what came instead, after `guardMs` of real time.
 *
 * @example
 * await using provider = await httpProvider()
 * provider.answer(answers.json({ ETH: 1800.5 }))
 * provider.answerNext(answers.tooManyRequests(2), answers.cut({ ETH: 1 }))
 * // ... start an adapter whose URL is provider.url, and request a price ...
 * expect((await provider.next()).query.get('symbols')).toBe('ETH')
 */
export const httpProvider = async ({ guardMs }: HttpProviderOptions = {}): Promise<HttpProvider> => {
  const provider = new LoopbackHttp(guardMs)
  await provider.listen()
  return provider
}
