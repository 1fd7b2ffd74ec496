import { type Socket } from 'node:net'
import type WebSocket from 'ws'

type Wired = { _socket: Socket }

const header = (opcode: number, length: number): Buffer =>
  length < 126
    ? Buffer.from([0x80 | opcode, length])
    : Buffer.from([0x80 | opcode, 126, length >> 8, length & 0xff])

/** Of a server: says goodbye, and a further frame in the same breath, which a library would not send any more. */
export const closeAndSend = (socket: WebSocket, code: number, data: string | Buffer): void => {
  const payload = Buffer.from(data)
  if (payload.length > 65_535) throw new Error('A longer frame than this knows of')
  const { _socket: wire } = socket as unknown as Wired
  wire.cork()
  socket.close(code)
  wire.write(Buffer.concat([header(typeof data === 'string' ? 1 : 2, payload.length), payload]))
  wire.uncork()
}

/** Of a server: says goodbye, and keeps the connection. It reads nothing any more, not even the answer. */
export const closeAndStay = (socket: WebSocket, code: number): void => {
  const { _socket: wire } = socket as unknown as Wired
  socket.pause()
  wire.write(Buffer.concat([header(8, 2), Buffer.from([code >> 8, code & 0xff])]))
}
