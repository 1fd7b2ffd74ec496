import './disposal'
import { type IncomingMessage } from 'node:http'
import { type Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import { LoopbackServer } from './loopback-server'
import { Milestones } from './milestones'
import { LoopbackConnection, type Outgoing, type ProviderConnection } from './provider-connection'

/** A data provider on 127.0.0.1 that a test controls, with real sockets. Ends with `stop()`, or with an `await using`. */
export interface WsProvider extends AsyncDisposable {
  /** `ws://127.0.0.1:<port>`; the same after a {@link restart}. */
  readonly url: string
  /** Every connection there ever was, closed ones included. */
  readonly connections: readonly ProviderConnection[]
  /** How many of {@link connections} are open. */
  readonly openCount: number
  /** How many handshakes were attempted, refused and unanswered ones included. */
  readonly handshakes: number
  /** Waits for the n-th connection (0 is the first); without an index, for the next one that was not returned before. */
  connection(index?: number): Promise<ProviderConnection>
  /** Waits until `count` handshakes were attempted in all. */
  handshake(count: number): Promise<void>
  /** The handler is called at once for each connection. What it sends arrives together with the handshake. */
  onConnection(handler: (connection: ProviderConnection) => void): void
  /** The handler is called for each text frame of any connection. */
  onMessage(handler: (message: string, connection: ProviderConnection) => void): void
  /** Answers handshakes with this HTTP status from now on (503 by default), and with these headers. */
  refuse(status?: number, headers?: Record<string, string>): void
  /** From now on handshakes get no answer, and their TCP connections stay open. */
  hang(): void
  /** Ends {@link refuse} and {@link hang} for the handshakes to come. */
  accept(): void
  /** As {@link accept}, and answers those handshakes that hang: late, if their clients still wait. */
  acceptLate(): void
  /** Resets every connection. Afterwards connections to the port are refused. */
  stop(): Promise<void>
  /** Listens again on the same port, after stopping if need be. */
  restart(): Promise<void>
}

/** How a {@link wsProvider} behaves. */
export interface WsProviderOptions {
  /** Frames that are sent in the same TCP segment as the answer to the handshake. */
  sendWithHandshake?: Outgoing[]
  /** Negotiates compression, and compresses frames of any size. Default false. */
  perMessageDeflate?: boolean
  /** How long a wait lasts before it fails, in real ms. Default 20 000. */
  guardMs?: number
}

type Mode = { kind: 'accept' } | { kind: 'hang' } | { kind: 'refuse'; status: number; headers: string }

class LoopbackProvider implements WsProvider {
  readonly connections: LoopbackConnection[] = []
  handshakes = 0
  private mode: Mode = { kind: 'accept' }
  private readonly server: LoopbackServer
  private readonly upgrades: WebSocketServer
  private readonly hanging: (() => void)[] = []
  private readonly handedOut = new Set<number>()
  private readonly milestones: Milestones
  private readonly connectionHandlers: ((connection: ProviderConnection) => void)[] = []
  private readonly messageHandlers: ((message: string, connection: ProviderConnection) => void)[] = []

  constructor(private readonly options: WsProviderOptions) {
    this.upgrades = new WebSocketServer({
      noServer: true,
      perMessageDeflate: options.perMessageDeflate === true ? { threshold: 0 } : false,
    })
    this.server = new LoopbackServer({
      request: (_request, response) => response.writeHead(426).end(),
      upgrade: (request, socket, head) => this.upgrade(request, socket, head),
    })
    const seen = () =>
      `${this.handshakes} handshakes, ${this.connections.length} connections, ${this.openCount} open`
    this.milestones = new Milestones(seen, options.guardMs)
  }

  get url(): string {
    return `ws://${this.server.host}`
  }

  get openCount(): number {
    return this.connections.filter(({ isOpen }) => isOpen).length
  }

  async connection(index?: number): Promise<ProviderConnection> {
    const wanted = index ?? this.nextIndex()
    this.handedOut.add(wanted)
    try {
      await this.milestones.until(`connection ${wanted}`, () => this.connections[wanted] !== undefined)
    } catch (error) {
      this.handedOut.delete(wanted)
      throw error
    }
    return this.connections[wanted]!
  }

  handshake(count: number): Promise<void> {
    return this.milestones.until(`handshake ${count}`, () => this.handshakes >= count)
  }

  onConnection(handler: (connection: ProviderConnection) => void): void {
    this.connectionHandlers.push(handler)
  }

  onMessage(handler: (message: string, connection: ProviderConnection) => void): void {
    this.messageHandlers.push(handler)
  }

  refuse(status = 503, headers: Record<string, string> = {}): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    this.mode = { kind: 'refuse', status, headers: lines.join('') }
  }

  hang(): void {
    this.mode = { kind: 'hang' }
  }

  accept(): void {
    this.mode = { kind: 'accept' }
  }

  acceptLate(): void {
    this.accept()
    for (const answer of this.hanging.splice(0)) answer()
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

  private upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.handshakes += 1
    if (this.mode.kind === 'refuse') {
      const { status, headers } = this.mode
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n${headers}\r\n`)
    } else if (this.mode.kind === 'hang') this.hanging.push(() => this.answer(request, socket, head))
    else this.answer(request, socket, head)
    this.milestones.look()
  }

  private answer(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (socket.destroyed) return
    // Held back until all handlers have run, so that what they send is in the segment of the handshake's answer.
    socket.cork()
    this.upgrades.handleUpgrade(request, socket, head, (ws) => {
      const connection = new LoopbackConnection(this.connections.length, ws, socket, request, {
        guardMs: this.options.guardMs,
        onMessage: (text, from) => this.messageHandlers.forEach((handler) => handler(text, from)),
      })
      this.connections.push(connection)
      for (const frame of this.options.sendWithHandshake ?? []) connection.send(frame)
      for (const handler of this.connectionHandlers) handler(connection)
      connection.isGreeting = false
      this.milestones.look()
    })
    socket.uncork()
  }

  private nextIndex(): number {
    let index = 0
    while (this.handedOut.has(index)) index += 1
    return index
  }
}

/**
 * Starts a WebSocket data provider on a free port of 127.0.0.1. All its waits end by an event, or fail with a message after
 * `guardMs` of real time, also under a fake clock. With real sockets, fake only `setTimeout`, `setInterval`, their clears and
 * `Date`.
 *
 * @example
 * await using provider = await wsProvider()
 * // ... start an adapter whose URL is provider.url, and request a price ...
 * const connection = await provider.connection()
 * expect(await connection.nextJson()).toEqual({ op: 'subscribe', s: 'ETH/USD' })
 * connection.send({ type: 'tick', s: 'ETH/USD', p: '1800.5', t: 1 })
 */
export const wsProvider = async (options: WsProviderOptions = {}): Promise<WsProvider> => {
  const provider = new LoopbackProvider(options)
  await provider.listen()
  return provider
}
