import type WebSocket from 'ws'
import { ClientSocket } from '../../src/connections/client-socket'
import { UNCOUNTED } from '../../src/connections/connection-stats'
import { dial } from '../../src/connections/dial'
import { Retry } from '../../src/connections/retry'
import { metrics } from '../../src/metrics/registry'
import { steadyBackoff } from '../../src/util/backoff'
import { Inbox } from '../../src/testing/inbox'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { silentLoggers } from '../connections/support'
import { type Connect, testConnection } from './connection'

const GUARD_MS = 20_000

LoggerFactoryProvider.set(silentLoggers)
metrics.initialize()

const byDialling: Connect = async (url, { timeoutMs: openTimeoutMs, signal }) => {
  const messages = new Inbox<string>('a message', GUARD_MS)
  const link = await dial({ url, openTimeoutMs, maxPayloadBytes: 1_000 }, signal)
  link.listen({ message: (data) => messages.put(data.toString()) })
  return {
    next: () => messages.next(),
    received: () => messages.all,
    over: link.closed,
    send: (text) => void link.send(text),
    close: async () => void (await link.close()),
  }
}

/** A connection at a place, as the WebSocket transport has one, with the open handler of an author. */
const bySocket =
  (open?: () => Promise<void>): Connect =>
  async (url, { timeoutMs, signal }) => {
    const messages = new Inbox<string>('a message', GUARD_MS)
    const client = new ClientSocket<void>({}, new Retry(steadyBackoff(1)), () => {}, UNCOUNTED)
    const stop = () => client.stop()
    signal.addEventListener('abort', () => void stop())
    let isOver = () => {}
    const over = new Promise<void>((resolve) => (isOver = resolve))
    const listeners = () => {
      const isCurrent = client.currency()
      return {
        message: ({ data }: WebSocket.MessageEvent) => {
          if (isCurrent()) messages.put((data as Buffer).toString())
        },
        error: () => {},
        close: () => isOver(),
      }
    }
    const socket = await client.open({ url, timeoutMs, open, listeners, onOpen: () => {} })
    return {
      next: () => messages.next(),
      received: () => messages.all,
      over,
      send: (text) => socket.send(text),
      close: stop,
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
