import { type AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

export interface Relayed {
  direction: 'c2s' | 's2c'
  text: string
}

/** `cut-after`: it still goes through, and its answer does not. */
export type Verdict = 'pass' | 'cut' | 'cut-after'

/** Stands between us and the real server: keeps what both say, and cuts the connection where a check wants it cut. */
export class Relay {
  readonly frames: Relayed[] = []
  /** Asked about each frame before it goes on. */
  judge: (frame: Relayed) => Verdict = () => 'pass'
  open = 0
  mostOpen = 0
  private readonly server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 100 * 1_048_576 })

  constructor(private readonly upstream: () => string) {
    this.server.on('connection', (near, { url = '', headers }) => {
      this.mostOpen = Math.max(this.mostOpen, ++this.open)
      const far = new WebSocket(this.upstream().replace('http:', 'ws:') + url, {
        headers: { authorization: headers.authorization ?? '' },
        maxPayload: 100 * 1_048_576,
      })
      const waiting: string[] = []
      let isMute = false
      const cut = (): void => {
        near.terminate()
        far.terminate()
      }
      const pass = (direction: Relayed['direction'], text: string, send: (text: string) => void): void => {
        const frame = { direction, text }
        this.frames.push(frame)
        const verdict = this.judge(frame)
        if (verdict === 'cut') return cut()
        if (verdict === 'cut-after') isMute = true
        send(text)
      }
      near.on('message', (data: Buffer) =>
        pass('c2s', data.toString(), (text) =>
          far.readyState === far.OPEN ? far.send(text) : waiting.push(text),
        ),
      )
      far.on('open', () => waiting.splice(0).forEach((text) => far.send(text)))
      far.on('message', (data: Buffer) => {
        if (isMute) return cutWhenDone(far, near)
        pass('s2c', data.toString(), (text) => near.send(text))
      })
      near.on('close', () => {
        this.open--
        if (!isMute) far.close()
      })
      far.on('close', () => near.terminate())
      for (const socket of [near, far]) socket.on('error', cut)
    })
  }

  /** Where the admin panel seems to be. */
  get adminUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/admin`
  }

  /** What the client said, without acknowledgements. */
  get requests(): Record<string, unknown>[] {
    return this.frames
      .filter(({ direction }) => direction === 'c2s')
      .map(({ text }) => JSON.parse(text) as Record<string, unknown>)
      .filter(({ type }) => type !== undefined)
  }

  async ready(): Promise<this> {
    if (this.server.address() === null)
      await new Promise<void>((resolve) => this.server.once('listening', () => resolve()))
    return this
  }

  async stop(): Promise<void> {
    for (const socket of this.server.clients) socket.terminate()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }
}

/** The server has answered what was the last to go through: now nobody hears it. */
const cutWhenDone = (far: WebSocket, near: WebSocket): void => {
  near.terminate()
  far.terminate()
}
