import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { type BaseAdapterSettings } from '../../../src/config/settings'
import { type ProviderResult, type SingleNumberResultResponse } from '../../../src/feeds/responses'
import { serve } from '../../../src/testing/serve'
import { wsProvider } from '../../../src/testing/ws-provider'
import { InputParameters } from '../../../src/validation/input-parameters'
import { GUARD_MS, SOON, testTransport } from '../../../test/contract/transport'
import { wsRig } from '../../../test/contract/ws-rig'
import { type ConnectorEvent, TremorTransport } from '..'

const inputParameters = new InputParameters({ base: { description: 'Base', type: 'string', required: true } })
type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: BaseAdapterSettings
}

const params = (n: number) => ({ base: `F${n}` })

/** Events are lists of feeds with their prices; what has no price is made something of that is no result. */
const results = ({ value }: ConnectorEvent): ProviderResult<Types>[] =>
  (value as { base: string; price: number | null }[]).flatMap(({ base, price }) => {
    if (price !== null) return [{ params: { base }, response: { result: price, data: { result: price } } }]
    const bad: unknown[] = [null, {}, { params: params(9) }]
    const notFinite = { params: params(9), response: { result: NaN, data: { result: NaN } } }
    return [...bad, notFinite] as ProviderResult<Types>[]
  })

type Handler = ConstructorParameters<typeof TremorTransport<Types>>[0]['handlers']['event']

const adapterOf = (url: string, event: Handler) => () =>
  new Adapter({
    name: 'TREMOR_TEST',
    defaultEndpoint: 'price',
    endpoints: [
      new AdapterEndpoint<Types>({
        name: 'price',
        inputParameters,
        guards: { onlyWanted: false },
        transport: new TremorTransport<Types>({
          connector: () => ({
            type: 'ws_client',
            definition: {
              codec: 'json',
              config: { url },
              reconnect: { retry: { interval_ms: 20, growth_rate: 1 } },
            },
          }),
          handlers: { event },
          requests: ({ new: fresh }) => fresh.map(({ base }) => ({ value: `+${base}` })),
        }),
      }),
    ],
  })

/** An event that makes the adapter send more than its peer reads. */
const FLOOD = 'flood'

testTransport('the Tremor transport, as a client', {
  async start() {
    const provider = await wsProvider({ guardMs: GUARD_MS })
    let hasLeft = () => {}
    const event: Handler = (received, { send }) => {
      if (received.value !== FLOOD) return results(received)
      // Nobody reads this: when too much of it waits, the connection is left.
      while (send({ value: 'x'.repeat(1_000_000) }).length === 0);
      hasLeft()
      return []
    }
    const service = await serve(adapterOf(provider.url, event), { env: SOON, guardMs: GUARD_MS })
    const half = wsRig(provider, service, (connection) => connection.destroy())
    const { connection } = half
    const send = async (...prices: { base: string; price: number | null }[]) =>
      (await connection()).send(prices)
    return {
      ...half,
      service,
      params,
      async wanted(n) {
        const there = await connection()
        const text = JSON.stringify(`+F${n}`)
        if (!there.received.includes(text)) await there.next((one) => one === text)
      },
      sample: '[{"base":"F0","price":1}]',
      send: (n, value) => send({ ...params(n), price: value }),
      sendThrowing: async () => (await connection()).send('"no list"'),
      sendBroken: async (n, value) => {
        const bad = { ...params(9), price: null }
        await send(bad, { ...params(n), price: value }, bad)
      },
      async late(n, value) {
        const old = await connection()
        half.moveOn()
        const left = new Promise<void>((resolve) => (hasLeft = resolve))
        old.send(JSON.stringify(FLOOD))
        old.freeze()
        await left
        old.thaw()
        old.send([{ ...params(n), price: value }])
        await old.closed
      },
      afterGoodbye: (n, value) => half.sendAfterGoodbye([{ ...params(n), price: value }]),
    }
  },
})
