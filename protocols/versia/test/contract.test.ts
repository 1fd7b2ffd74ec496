import { closeAndSend, closeAndStay } from '../../../test/contract/late-frame'
import { GUARD_MS, SOON, testTransport } from '../../../test/contract/transport'
import { type ProviderConnection } from '../../../src/testing/provider-connection'
import { wsProvider } from '../../../src/testing/ws-provider'
import { type PriceFunction, priceMessage, serveVersia } from './support'
import { key } from './vectors'

const params = (n: number) => ({ base: `F${n}`, quote: 'USD' })

const price: PriceFunction = ({ base = '', quote = '', value }) => {
  if (base === 'THROW') throw new Error('a function of an author')
  if (base === 'NONE') return null as never
  if (base === 'EMPTY') return { params: params(9) } as never
  const result = base === 'NAN' ? NaN : Number(value)
  return { params: { base, quote }, response: { result, data: { value } } }
}

testTransport('the Versia transport, to a source that it dials', {
  async start() {
    const provider = await wsProvider({ guardMs: GUARD_MS })
    const of = { price, serve: { env: SOON, guardMs: GUARD_MS } }
    const service = await serveVersia({ connect: { url: provider.url } }, of)
    let current = 0
    let observedAt = Date.now() - 60_000
    const connection = () => provider.connection(current)
    const messageOf = (base: string, value: number) => {
      // A price that is not newer than the last is none.
      const observed = new Date(++observedAt).toISOString()
      return priceMessage({
        feed: `${base}/USD`,
        base,
        quote: 'USD',
        value: `${value}`,
        observed_at: observed,
      })
    }
    const say = async (...bases: string[]) => {
      const there = await connection()
      for (const base of bases) there.send(messageOf(base, 1))
    }
    const leave = async () => {
      const { [current]: last } = provider.connections
      if (last === undefined) return
      current++
      last.close(1001)
      await last.closed
    }
    return {
      service,
      params,
      wanted: async () => void (await connection()),
      send: async (n, value) => (await connection()).send(messageOf(`F${n}`, value)),
      sendThrowing: () => say('THROW'),
      // A message is one price: the bad ones are messages of their own.
      async sendBroken(n, value) {
        const there = await connection()
        await say('NONE', 'EMPTY', 'NAN')
        there.send('{"no":"price"}')
        there.send(priceMessage({}, { seedHex: key('other-instance').seed_hex }))
        there.send(messageOf(`F${n}`, value))
        await say('NONE')
      },
      cut: leave,
      async late(n, value) {
        const old = await connection()
        current++
        closeAndSend(socketOf(old), 1001, messageOf(`F${n}`, value))
        await old.closed
      },
      async announce() {
        const old = await connection()
        current++
        closeAndStay(socketOf(old), 1001)
      },
      async refuse() {
        provider.refuse()
        await leave()
      },
      accept: () => provider.accept(),
      gone: async () => void (await Promise.all(provider.connections.map(({ closed }) => closed))),
      async end() {
        await service.stop()
        await provider.stop()
      },
    }
  },
})

const socketOf = (connection: ProviderConnection) =>
  (connection as unknown as { ws: Parameters<typeof closeAndSend>[0] }).ws
