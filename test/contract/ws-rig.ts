import { type ProviderConnection } from '../../src/testing/provider-connection'
import { type WsProvider } from '../../src/testing/ws-provider'
import { closeAndSend, closeAndStay } from './late-frame'
import { type TransportRig } from './transport'

type Half = Pick<TransportRig, 'sendHostile' | 'cut' | 'announce' | 'refuse' | 'accept' | 'gone' | 'end'> & {
  /** The connection in use. */
  connection: () => Promise<ProviderConnection>
  /** From here on the next connection is the one in use. */
  moveOn: () => void
  /** Says goodbye on the connection in use, and this after it. Resolves when the connection has ended. */
  sendAfterGoodbye: (message: string | object) => Promise<void>
}

/**
 * The half of a rig that is about connections, where these are made to a {@link WsProvider}.
 *
 * @param leave - how the provider ends a connection
 */
export const wsRig = (
  provider: WsProvider,
  service: TransportRig['service'],
  leave: (connection: ProviderConnection) => void,
): Half => {
  let current = 0
  const cut = async () => {
    const { [current]: last } = provider.connections
    if (last === undefined) return
    current++
    leave(last)
    await last.closed
  }
  const connection = () => provider.connection(current)
  return {
    connection,
    moveOn: () => void current++,
    cut,
    async sendAfterGoodbye(message) {
      const old = await connection()
      current++
      closeAndSend(socketOf(old), 1001, typeof message === 'string' ? message : JSON.stringify(message))
      await old.closed
    },
    async sendHostile(ones) {
      const socket = socketOf(await connection())
      for (const { kind, bytes } of ones) socket.send(bytes, { binary: kind === 'binary' })
    },
    async announce() {
      const old = await connection()
      current++
      closeAndStay(socketOf(old), 1001)
    },
    async refuse() {
      provider.refuse()
      await cut()
    },
    accept: () => provider.accept(),
    gone: async () => void (await Promise.all(provider.connections.map(({ closed }) => closed))),
    async end() {
      await service.stop()
      await provider.stop()
    },
  }
}

const socketOf = (connection: ProviderConnection) =>
  (connection as unknown as { ws: Parameters<typeof closeAndSend>[0] }).ws
