import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** One connection to a {@link lingeringPeer}, from its side. */
export interface LingeringConnection {
  /** Takes leave with a close frame, and keeps the TCP connection. */
  announceClose: (code: number, reason?: string) => void
  /** Sends the beginning of a text frame, and never the rest. */
  beginFrame: () => void
  /** Reads nothing any more. */
  stopReading: () => void
  /** Ends its half of TCP without a close frame. */
  endHalf: () => void
  /** Resolves when the other side has ended its half of TCP, as it does once both close frames are through. */
  readonly answered: Promise<void>
}

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const answerTo = (request: string): string => {
  const key = /sec-websocket-key: (\S+)/i.exec(request)![1]!
  const accept = createHash('sha1').update(`${key}${MAGIC}`).digest('base64')
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
}

const closeFrame = (code: number, reason: string): Buffer => {
  const text = Buffer.from(reason)
  return Buffer.concat([Buffer.from([0x88, 2 + text.length, code >> 8, code & 0xff]), text])
}

const connectionOn = (wire: Socket): LingeringConnection => ({
  announceClose: (code, reason = '') => void wire.write(closeFrame(code, reason)),
  beginFrame: () => void wire.write(Buffer.concat([Buffer.from([0x81, 126, 3, 232]), Buffer.from('{"tick')])),
  stopReading: () => void wire.pause(),
  endHalf: () => void wire.end(),
  answered: new Promise((resolve) => wire.once('end', resolve)),
})

/**
 * A WebSocket server by hand, that answers the handshake and after that does only what it is told: it never ends its half of TCP.
 *
 * @param onOpen - called right after the handshake has been answered
 * @param tls - PEM texts, for a peer behind TLS
 */
export const lingeringPeer = async (
  onOpen: (connection: LingeringConnection) => void = () => {},
  tls?: { cert: string; key: string },
) => {
  const wires = new Set<Socket>()
  const connections: LingeringConnection[] = []
  const waiting = new Map<number, (connection: LingeringConnection) => void>()
  const accept = (wire: Socket) => {
    wires.add(wire)
    // It is cut off in the end.
    wire.on('error', () => {})
    wire.once('data', (request: Buffer) => {
      const connection = connectionOn(wire)
      wire.resume()
      wire.cork()
      wire.write(answerTo(request.toString()))
      onOpen(connection)
      wire.uncork()
      connections.push(connection)
      waiting.get(connections.length - 1)?.(connection)
    })
  }
  const halfOpen = { allowHalfOpen: true }
  const server =
    tls === undefined ? createServer(halfOpen, accept) : createTlsServer({ ...halfOpen, ...tls }, accept)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `${tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections,
    /** The n-th connection, from 0; waits for it. */
    connection: (n: number): Promise<LingeringConnection> => {
      const { [n]: there } = connections
      return there === undefined ? new Promise((resolve) => waiting.set(n, resolve)) : Promise.resolve(there)
    },
    [Symbol.asyncDispose]: async () => {
      for (const wire of wires) wire.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
