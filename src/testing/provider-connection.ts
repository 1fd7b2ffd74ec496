import { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { type Socket } from 'node:net'
import { type WebSocket } from 'ws'
import { Inbox } from './inbox'

/** What can be sent: an object is sent as JSON, a string as it is, a Buffer as a binary frame. */
export type Outgoing = object | string | Buffer

/** One connection of a {@link WsProvider}, seen from the provider's side. */
export interface ProviderConnection {
  /** 0 for the first connection. */
  readonly index: number
  /** Path and query of the handshake. */
  readonly path: string
  /** Headers of the handshake. */
  readonly headers: IncomingHttpHeaders
  /** Every text frame received, in order. */
  readonly received: readonly string[]
  /** Every binary frame received, in order. */
  readonly receivedBinary: readonly Buffer[]
  /** False once the provider's side has begun or received a close. A frozen connection does not receive one. */
  readonly isOpen: boolean
  /** Resolves when the provider's side has seen the end; code 1006 means that there was no close frame. */
  readonly closed: Promise<{ code: number; reason: string }>
  /** Sends an object as JSON, a Buffer as a binary frame. Does nothing on a connection that is frozen or not open. */
  send(message: Outgoing): void
  /** Puts these bytes on the wire in the place of a frame: garbage, or whatever the library would not send. */
  sendBytes(bytes: Buffer): void
  /** Announces a text frame, sends half of it, and then nothing more of this connection: it is reset. */
  sendCut(text: string): void
  /** The oldest text frame that matches and was not returned before; waits for it. */
  next(matches?: (text: string) => boolean): Promise<string>
  /** Waits until so many text frames have come in all, handed out or not, and returns all that have. */
  frames(count: number): Promise<readonly string[]>
  /** Like {@link next}, parsed; frames that are not JSON match nothing. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a test expects of a frame it says right there
  nextJson<T = any>(matches?: (message: T) => boolean): Promise<T>
  /** The oldest binary frame that matches and was not returned before; waits for it. */
  nextBinary(matches?: (data: Buffer) => boolean): Promise<Buffer>
  /** The payload of the next ping frame that was not returned before. Pings are answered automatically. */
  nextPing(): Promise<Buffer>
  /** The payload of the next pong frame that was not returned before. */
  nextPong(): Promise<Buffer>
  ping(data?: string): void
  /** Sends a close frame. Without a code the frame has neither code nor reason, and the client sees 1005. */
  close(code?: number, reason?: string): void
  /** Ends the TCP connection with a reset, without a close frame. */
  destroy(): void
  /** Makes it half-open: it neither reads nor writes, but TCP stays. {@link closed} does not resolve before {@link thaw}. */
  freeze(): void
  /** Ends {@link freeze}: it reads what has come meanwhile, also a close. What was sent meanwhile is lost. */
  thaw(): void
}

/** The first two bytes of a frame that is sent by a server (RFC 6455, 5.2). A length in eight bytes may be a small one, too, for our purpose. */
const WHOLE_TEXT = 0x81
const LENGTH_IN_8_BYTES = 127

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @internal The connection as {@link WsProvider} makes it. */
export class LoopbackConnection implements ProviderConnection {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly closed: Promise<{ code: number; reason: string }>
  /** True while the answer to the handshake is held back. Frames are not compressed then: that is asynchronous, and they would be late. */
  isGreeting = true
  private isFrozen = false
  private readonly texts: Inbox<string>
  private readonly binaries: Inbox<Buffer>
  private readonly pings: Inbox<Buffer>
  private readonly pongs: Inbox<Buffer>

  constructor(
    readonly index: number,
    private readonly ws: WebSocket,
    private readonly socket: Socket,
    handshake: IncomingMessage,
    of: { guardMs: number | undefined; onMessage: (text: string, connection: ProviderConnection) => void },
  ) {
    this.path = handshake.url ?? '/'
    this.headers = handshake.headers
    const inbox = <T>(what: string) =>
      new Inbox<T>(`${what} on connection ${index} (${this.path})`, of.guardMs)
    this.texts = inbox('a text frame')
    this.binaries = inbox('a binary frame')
    this.pings = inbox('a ping frame')
    this.pongs = inbox('a pong frame')
    ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary) return this.binaries.put(data)
      const text = data.toString()
      this.texts.put(text)
      of.onMessage(text, this)
    })
    ws.on('ping', (data) => this.pings.put(data))
    ws.on('pong', (data) => this.pongs.put(data))
    // A reset by the client is an error event here; the close event always follows it.
    ws.on('error', () => {})
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, data) => {
        const reason = data.toString()
        const why = `The connection closed (code: ${code}, reason: ${reason || 'none'})`
        for (const inbox of [this.texts, this.binaries, this.pings, this.pongs]) inbox.close(why)
        resolve({ code, reason })
      })
    })
  }

  get received(): readonly string[] {
    return this.texts.all
  }

  get receivedBinary(): readonly Buffer[] {
    return this.binaries.all
  }

  get isOpen(): boolean {
    return this.ws.readyState === this.ws.OPEN
  }

  send(message: Outgoing): void {
    if (this.isFrozen) return
    const data = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message)
    this.ws.send(data, this.isGreeting ? { compress: false } : {})
  }

  sendBytes(bytes: Buffer): void {
    if (!this.isFrozen) this.socket.write(bytes)
  }

  sendCut(text: string): void {
    if (this.isFrozen) return
    const payload = Buffer.from(text)
    const head = Buffer.alloc(10)
    head[0] = WHOLE_TEXT
    head[1] = LENGTH_IN_8_BYTES
    head.writeBigUInt64BE(BigInt(payload.length), 2)
    const half = payload.subarray(0, Math.floor(payload.length / 2))
    this.socket.write(Buffer.concat([head, half]), () => this.destroy())
  }

  next(matches?: (text: string) => boolean): Promise<string> {
    return this.texts.next(matches)
  }

  frames(count: number): Promise<readonly string[]> {
    return this.texts.many(count)
  }

  async nextJson<T>(matches: (message: T) => boolean = () => true): Promise<T> {
    const text = await this.texts.next((candidate) => {
      const message = parse(candidate)
      return message !== undefined && matches(message as T)
    })
    return JSON.parse(text) as T
  }

  nextBinary(matches?: (data: Buffer) => boolean): Promise<Buffer> {
    return this.binaries.next(matches)
  }

  nextPing(): Promise<Buffer> {
    return this.pings.next()
  }

  nextPong(): Promise<Buffer> {
    return this.pongs.next()
  }

  ping(data?: string): void {
    if (!this.isFrozen && this.isOpen) this.ws.ping(data)
  }

  close(code?: number, reason?: string): void {
    if (!this.isFrozen) this.ws.close(code, reason)
  }

  destroy(): void {
    this.socket.resetAndDestroy()
  }

  freeze(): void {
    this.isFrozen = true
    this.ws.pause()
  }

  thaw(): void {
    this.isFrozen = false
    this.ws.resume()
  }
}
