import fc from 'fast-check'
import { expect, it } from 'vitest'
import { renderMetrics } from '../../../src/metrics/render'
import { serve } from '../../../src/testing/serve'
import { wsProvider } from '../../../src/testing/ws-provider'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { PATIENT } from '../../helpers/eventually'
import { config, inputParameters, type Tick, type Types } from './support'

const NAMES = Object.getOwnPropertyNames(Object.prototype)

it('IS-3: a symbol may be called like whatever every object has, in a request and in a message, and is a feed of its own', async () => {
  await using provider = await wsProvider()
  const transport = new WebSocketTransport<Types>(config(provider.url))
  const endpoint = new AdapterEndpoint({ name: 'price', transport, inputParameters, caseSensitive: true })
  await using service = await serve(
    () => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] }),
    { env: PATIENT },
  )
  let price = 0
  const run = async (names: string[]) => {
    const ticks = names.flatMap((base) =>
      [...NAMES.slice(0, 2), 'USD'].map((quote): Tick => ({ base, quote, price: ++price })),
    )
    for (const { base, quote } of ticks) void service.post({ base, quote })
    const connection = await provider.connection(0)
    // Fields with such names are beside what the handler reads.
    const more = '"__proto__":{"price":-1},"constructor":{"prototype":{"price":-1}},'
    connection.send(`{${more}"ticks":${JSON.stringify(ticks)}}`)
    for (const { base, quote, price: result } of ticks)
      await service.until({ base, quote }, ({ json }) => json.result === result)
  }
  await run(NAMES)
  const name = fc.oneof(fc.constantFrom(...NAMES), fc.string({ minLength: 1, maxLength: 10 }))
  await fc.assert(fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 5 }), run), {
    numRuns: 20,
  })
  expect(await renderMetrics()).toContain('__proto__')
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(NAMES)
  expect(({} as { price?: number }).price).toBeUndefined()
})
