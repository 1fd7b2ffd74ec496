import { wsProvider } from '../../src/testing/ws-provider'
import {
  config,
  type Params,
  run,
  subscribe,
  tick,
  type Tick,
  type Types,
} from '../transports/websocket/support'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { closeAndStay } from './late-frame'
import { GUARD_MS, SOON, testTransport } from './transport'

const params = (n: number): Params => ({ base: `F${n}`, quote: 'USD' })

testTransport('the WebSocket transport', {
  async start() {
    const provider = await wsProvider({ guardMs: GUARD_MS })
    let place = 0
    let current = 0
    const connection = () => provider.connection(current)
    const of = config(() => `${provider.url}/${place}`)
    const { message } = of.handlers
    of.handlers.message = (m, context) => {
      if (m.ticks === undefined) throw new Error('a handler of an author')
      const [broken, ticks] = [m.ticks.filter((one) => one === null), m.ticks.filter((one) => one !== null)]
      const bad = [
        null,
        {},
        { params: params(9) },
        {
          params: {
            base: 'F9',
            get quote() {
              throw new Error('no quote')
            },
          },
          response: { result: 1, data: {} },
        },
        { params: params(9), response: { result: NaN, data: { result: NaN } } },
      ]
      const good = message({ ticks }, context) ?? []
      return (broken.length === 0 ? good : [...bad, ...good, ...bad]) as typeof good
    }
    const service = await run(new WebSocketTransport<Types>(of), SOON, GUARD_MS)
    const leave = async () => {
      const { [current]: last } = provider.connections
      if (last === undefined) return
      current++
      last.close(1011)
      await last.closed
    }
    const wanted = async (n: number) => {
      const [text] = subscribe(params(n))
      const there = await connection()
      if (!there.received.includes(text!)) await there.next((one) => one === text)
    }
    return {
      service,
      params,
      wanted,
      send: async (n, value) => (await connection()).send(tick(params(n), value)),
      sendThrowing: async () => (await connection()).send({ unknown: true }),
      sendBroken: async (n, value) =>
        (await connection()).send({ ticks: [null, { ...params(n), price: value } satisfies Tick] }),
      cut: leave,
      async late(n, value) {
        const old = await connection()
        // It does not see that it is being left, so that nothing on its way is held back.
        old.freeze()
        place++
        current++
        await wanted(n)
        old.thaw()
        old.send(tick(params(n), value))
        await old.closed
      },
      async announce() {
        const { ws } = (await connection()) as unknown as { ws: Parameters<typeof closeAndStay>[0] }
        current++
        closeAndStay(ws, 1001)
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
