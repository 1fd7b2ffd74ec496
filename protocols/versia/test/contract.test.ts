import { vi } from 'vitest'
import { GUARD_MS, SOON, testTransport } from '../../../test/contract/transport'
import { wsRig } from '../../../test/contract/ws-rig'
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

const BAD_MESSAGES_IN_A_ROW = 100
/** For so long it stays away from a source that sent them. */
const AWAY_MS = 60_000

testTransport('the Versia transport, to a source that it dials', {
  fakesTimers: true,
  lacks: { 'hostile bytes': 'It stays away from a source that sends them; fuzz.test.ts is about them.' },
  async start() {
    const provider = await wsProvider({ guardMs: GUARD_MS })
    const of = { price, serve: { env: SOON, guardMs: GUARD_MS } }
    const service = await serveVersia({ connect: { url: provider.url } }, of)
    const half = wsRig(provider, service, (connection) => connection.close(1001))
    const { connection } = half
    let observedAt = 0
    const messageOf = (base: string, value: number) => {
      // A price that is not newer than the last is none.
      observedAt = Math.max(observedAt + 1, Date.now() - 60_000)
      const observed = new Date(observedAt).toISOString()
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
    return {
      ...half,
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
      async late(n, value) {
        const old = await connection()
        half.moveOn()
        // In one breath: it has left when the last of them comes.
        for (let sent = 0; sent < BAD_MESSAGES_IN_A_ROW; sent++) old.send('{"no":"price"}')
        old.send(messageOf(`F${n}`, value))
        await old.closed
        await vi.advanceTimersByTimeAsync(AWAY_MS)
      },
      afterGoodbye: (n, value) => half.sendAfterGoodbye(messageOf(`F${n}`, value)),
    }
  },
})
