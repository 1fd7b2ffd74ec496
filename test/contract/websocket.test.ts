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
import { GUARD_MS, SOON, testTransport } from './transport'
import { wsRig } from './ws-rig'

const params = (n: number): Params => ({ base: `F${n}`, quote: 'USD' })

testTransport('the WebSocket transport', {
  async start() {
    const provider = await wsProvider({ guardMs: GUARD_MS })
    let place = 0
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
    const half = wsRig(provider, service, (connection) => connection.close(1011))
    const { connection } = half
    const wanted = async (n: number) => {
      const [text] = subscribe(params(n))
      const there = await connection()
      if (!there.received.includes(text!)) await there.next((one) => one === text)
    }
    return {
      ...half,
      service,
      params,
      wanted,
      sample: JSON.stringify(tick(params(0), 1)),
      send: async (n, value) => (await connection()).send(tick(params(n), value)),
      sendThrowing: async () => (await connection()).send({ unknown: true }),
      sendBroken: async (n, value) =>
        (await connection()).send({ ticks: [null, { ...params(n), price: value } satisfies Tick] }),
      async late(n, value) {
        const old = await connection()
        // It does not see that it is being left, so that nothing on its way is held back.
        old.freeze()
        place++
        half.moveOn()
        await wanted(n)
        old.thaw()
        old.send(tick(params(n), value))
        await old.closed
      },
      afterGoodbye: (n, value) => half.sendAfterGoodbye(tick(params(n), value)),
    }
  },
})
