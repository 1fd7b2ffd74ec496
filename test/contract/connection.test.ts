import WebSocket from 'ws'
import { connect } from '../../src/connections/connect'
import { dial } from '../../src/connections/dial'
import { Farewell } from '../../src/connections/farewell'
import { Inbox } from '../../src/testing/inbox'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { silentLoggers } from '../connections/support'
import { type Connect, testConnection } from './connection'

const GUARD_MS = 20_000

LoggerFactoryProvider.set(silentLoggers)

const byDialling: Connect = async (url, { timeoutMs: openTimeoutMs, signal }) => {
  const messages = new Inbox<string>('a message', GUARD_MS)
  const link = await dial({ url, openTimeoutMs, maxPayloadBytes: 1_000 }, signal)
  link.listen({ message: (data) => messages.put(data.toString()) })
  return {
    next: () => messages.next(),
    send: (text) => void link.send(text),
    close: async () => void (await link.close()),
  }
}

/** A socket that is brought to open, and sent away, as the WebSocket transport does it with the open handler of an author. */
const bySocket =
  (open?: () => Promise<void>): Connect =>
  async (url, { timeoutMs, signal }) => {
    const messages = new Inbox<string>('a message', GUARD_MS)
    const farewell = new Farewell()
    const socket = new WebSocket(url)
    const receive = ({ data }: WebSocket.MessageEvent) => messages.put((data as Buffer).toString())
    const attempt = connect({
      socket,
      timeoutMs,
      open,
      onError: () => {},
      onOpen(early) {
        socket.addEventListener('message', receive)
        early.forEach(receive)
      },
      dismiss: () => farewell.take(socket),
    })
    signal.addEventListener('abort', () => attempt.abort())
    await attempt.opened
    return {
      next: () => messages.next(),
      send: (text) => socket.send(text),
      async close() {
        farewell.take(socket)
        await farewell.gone()
      },
    }
  }

testConnection('a link that is dialled', byDialling)
testConnection('the socket of the WebSocket transport', bySocket())
testConnection(
  'that socket, while an open handler takes its time',
  bySocket(async () => {
    // Whatever came with the handshake has been read by then.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }),
)
