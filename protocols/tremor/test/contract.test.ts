import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { type BaseAdapterSettings } from '../../../src/config/settings'
import { type ProviderResult, type SingleNumberResultResponse } from '../../../src/feeds/responses'
import { type ProviderConnection } from '../../../src/testing/provider-connection'
import { serve } from '../../../src/testing/serve'
import { wsProvider } from '../../../src/testing/ws-provider'
import { InputParameters } from '../../../src/validation/input-parameters'
import { closeAndSend, closeAndStay } from '../../../test/contract/late-frame'
import { GUARD_MS, SOON, testTransport } from '../../../test/contract/transport'
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

const adapterOf = (url: string) => () =>
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
          handlers: { event: results },
          requests: ({ new: fresh }) => fresh.map(({ base }) => ({ value: `+${base}` })),
        }),
      }),
    ],
  })

testTransport('the Tremor transport, as a client', {
  async start() {
    const provider = await wsProvider({ guardMs: GUARD_MS })
    const service = await serve(adapterOf(provider.url), { env: SOON, guardMs: GUARD_MS })
    let current = 0
    const connection = () => provider.connection(current)
    const send = async (...prices: { base: string; price: number | null }[]) =>
      (await connection()).send(prices)
    const leave = async () => {
      const { [current]: last } = provider.connections
      if (last === undefined) return
      current++
      last.destroy()
      await last.closed
    }
    return {
      service,
      params,
      async wanted(n) {
        const there = await connection()
        const text = JSON.stringify(`+F${n}`)
        if (!there.received.includes(text)) await there.next((one) => one === text)
      },
      send: (n, value) => send({ ...params(n), price: value }),
      sendThrowing: async () => (await connection()).send('"no list"'),
      sendBroken: async (n, value) => {
        const bad = { ...params(9), price: null }
        await send(bad, { ...params(n), price: value }, bad)
      },
      cut: leave,
      async late(n, value) {
        const old = await connection()
        current++
        closeAndSend(socketOf(old), 1001, JSON.stringify([{ ...params(n), price: value }]))
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
