import { type AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Frame, frameOf, type TraceLine } from './push-peer'

const withoutUuid = ({ uuid, ...rest }: Frame): object =>
  Object.keys(rest).length === 0 ? { acknowledges: uuid } : rest

/**
 * Plays the server's half of a recorded conversation, one connection after the other: says what was recorded up to the next frame of the
 * client, and waits for that. Batch uuids, step ids and the transfer ID are as recorded; only request uuids are the client's own.
 */
export class TracePeer implements AsyncDisposable {
  /** Where the client said something else than was recorded, or said something when nothing more was expected. */
  readonly differences: unknown[] = []
  /** `Authorization` of each connection. */
  readonly authorizations: (string | undefined)[] = []
  private readonly uuids = new Map<string, string>()
  private at = 0

  private constructor(
    private readonly server: WebSocketServer,
    private readonly lines: readonly TraceLine[],
    private readonly options: { cutAtEnd?: boolean },
  ) {
    server.on('connection', (socket, { headers }) => {
      this.authorizations.push(headers.authorization)
      while (this.lines[this.at]?.dir === 'evt') this.at++
      this.speak(socket)
      socket.on('message', (data: Buffer) => this.hear(socket, JSON.parse(data.toString()) as Frame))
    })
  }

  /** @param options.cutAtEnd - when everything was said, the connection is cut */
  static async start(lines: readonly TraceLine[], options: { cutAtEnd?: boolean } = {}): Promise<TracePeer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await new Promise<void>((resolve) => server.once('listening', () => resolve()))
    return new TracePeer(server, lines, options)
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/admin/`
  }

  /** Frames of the recording that were neither said nor heard. */
  get left(): number {
    return this.lines.slice(this.at).filter(({ dir }) => dir !== 'evt').length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.server.clients) socket.terminate()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }

  private speak(socket: WebSocket): void {
    for (let line = this.lines[this.at]; line !== undefined; line = this.lines[this.at]) {
      const isNextConnection = line.event === 'connect'
      if (line.dir === 'c2s' || isNextConnection) return
      this.at++
      if (line.dir === 's2c') socket.send(this.substitute(line.frame ?? ''))
    }
    if (this.options.cutAtEnd) socket.terminate()
  }

  private substitute(text: string): string {
    const { uuid } = JSON.parse(text) as Frame
    const own = this.uuids.get(uuid)
    return own === undefined ? text : text.replaceAll(uuid, own)
  }

  private hear(socket: WebSocket, frame: Frame): void {
    const line = this.lines[this.at]
    if (line?.dir !== 'c2s') {
      this.differences.push({ unexpected: withoutUuid(frame) })
      return
    }
    this.at++
    const recorded = frameOf(line)
    const own = this.uuids.get(recorded.uuid)
    if (own !== undefined && own !== frame.uuid) this.differences.push({ resentWith: 'another uuid' })
    if (recorded.type !== undefined) this.uuids.set(recorded.uuid, frame.uuid)
    // Some recordings leave out what `init` may leave out; ours never does.
    if (recorded.command === 'init') recorded.params = { transfer: 'pull', ...recorded.params }
    const [said, expected] = [withoutUuid(frame), withoutUuid(recorded)]
    if (JSON.stringify(sorted(said)) !== JSON.stringify(sorted(expected)))
      this.differences.push({ said, expected })
    this.speak(socket)
  }
}

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, of]) => [name, sorted(of)]),
      )
    : value
