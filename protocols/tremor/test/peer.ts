import { randomBytes } from 'node:crypto'
import { type Socket } from 'node:net'
import WebSocket, { type ClientOptions } from 'ws'
import { Inbox } from '../../../src/testing/inbox'
import { GUARD_MS } from '../../../test/helpers/eventually'

export type Frame = { text: string } | { binary: string }

/** One end of a WebSocket in a test's hands, server or client, with everything that it was sent. */
export class PeerSocket {
  readonly frames = new Inbox<Frame>('a frame', GUARD_MS)
  readonly pongs = new Inbox<string>('a pong', GUARD_MS)
  readonly closes = new Inbox<number>('a close', GUARD_MS)

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary: boolean) =>
      this.frames.put(isBinary ? { binary: data.toString('hex') } : { text: data.toString() }),
    )
    socket.on('pong', (payload) => this.pongs.put(payload.toString('hex')))
    socket.on('close', (code) => this.closes.put(code))
    socket.on('error', () => {})
  }

  static async connect(
    url: string,
    options: ClientOptions & { servername?: string } = {},
  ): Promise<PeerSocket> {
    const socket = new WebSocket(url, { perMessageDeflate: false, ...options })
    const peer = new PeerSocket(socket)
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return peer
  }

  get wire(): Socket {
    return (this.socket as unknown as { _socket: Socket })._socket
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN
  }

  send(data: string | Buffer): void {
    this.socket.send(data)
  }

  /** One message in several frames. */
  sendFragments(parts: Buffer[], isBinary: boolean): void {
    for (const [at, part] of parts.entries())
      this.socket.send(part, { binary: isBinary, fin: at === parts.length - 1 })
  }

  /** A frame as it is, whatever the rules say. `length` is what its header claims. */
  sendRawFrame(opcode: number, payload: Buffer, isMasked: boolean, length = payload.length): void {
    const size = Buffer.alloc(9)
    size[0] = 127
    size.writeBigUInt64BE(BigInt(length), 1)
    size[0] |= isMasked ? 0x80 : 0
    const mask = isMasked ? randomBytes(4) : Buffer.alloc(0)
    const body = Buffer.from(payload.map((byte, at) => byte ^ (isMasked ? (mask[at % 4] ?? 0) : 0)))
    const isShort = length < 126
    const header = isShort ? Buffer.from([(isMasked ? 0x80 : 0) | length]) : size
    this.wire.write(Buffer.concat([Buffer.from([0x80 | opcode]), header, mask, body]))
  }

  /** Resolves when the other end has dealt with all that was sent so far: it has answered a ping, or has closed. */
  async settled(): Promise<void> {
    if (!this.isOpen) return
    const payload = randomBytes(4).toString('hex')
    this.socket.ping(Buffer.from(payload, 'hex'))
    await Promise.race([
      this.pongs.next((pong) => pong === payload),
      new Promise((resolve) => this.socket.once('close', resolve)),
    ])
  }
}
