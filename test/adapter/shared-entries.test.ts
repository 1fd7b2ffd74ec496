import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { PriceAdapter } from '../../src/adapter/price-adapter'
import { PriceEndpoint } from '../../src/adapter/price-endpoint'
import { type AdapterResponse } from '../../src/feeds/responses'
import { type LocalCache } from '../../src/feeds/local-cache'
import { serve } from '../../src/testing/serve'
import { eventually, PATIENT } from '../helpers/eventually'
import { keyOf, priceParameters, type PriceTypes, StillTransport, stoppable } from '../http/support'

const ETH = { base: 'ETH', quote: 'USD' }
const USD = { base: 'USD', quote: 'ETH' }
const env = { CACHE_POLLING_MAX_RETRIES: '0' }
const includes = [{ from: 'USD', to: 'ETH', includes: [{ from: 'ETH', to: 'USD', inverse: true }] }]

type Handler = Adapter['handleRequest']

/** Changes everything that a response consists of. */
const spoil = (response: Readonly<AdapterResponse>): void => {
  const parts = response as unknown as Record<string, Record<string, unknown>>
  parts['data']!['result'] = 666
  parts['timestamps']!['providerDataReceivedUnixMs'] = 666
  if (parts['meta'] !== undefined) Object.assign(parts['meta'], { adapterName: 'SPOILT' })
  Object.assign(response, { result: 666, statusCode: 203, added: true })
}

class Spoiling extends Adapter {
  override async handleRequest(...args: Parameters<Handler>): ReturnType<Handler> {
    const response = await super.handleRequest(...args)
    spoil(response)
    return response
  }
}

class SpoilingPrices extends PriceAdapter {
  override async handleRequest(...args: Parameters<PriceAdapter['handleRequest']>) {
    const response = await super.handleRequest(...args)
    spoil(response)
    return response
  }
}

class SpoilingValidator extends Adapter {
  override validateOutput(_req: Parameters<Adapter['validateOutput']>[0], output: Readonly<AdapterResponse>) {
    spoil(output)
    return undefined
  }
}

const makers = [
  { by: 'a handler', make: (endpoint: never) => new Spoiling({ name: 'TEST', endpoints: [endpoint] }) },
  {
    by: 'a handler of a price adapter',
    make: (endpoint: never) => new SpoilingPrices({ name: 'TEST', endpoints: [endpoint], includes }),
  },
  {
    by: 'a handler of a price adapter without includes',
    make: (endpoint: never) => new SpoilingPrices({ name: 'TEST', endpoints: [endpoint] }),
  },
  {
    by: 'the output validation of an adapter',
    make: (endpoint: never) => new SpoilingValidator({ name: 'TEST', endpoints: [endpoint] }),
  },
  {
    by: 'the output validation of an endpoint',
    make: (endpoint: never) => new Adapter({ name: 'TEST', endpoints: [endpoint] }),
    customOutputValidation: (output: Readonly<AdapterResponse>) => void spoil(output),
  },
]

describe('what is in the cache', () => {
  it.each(makers)('ID-5: stays as it is when $by changes its answer', async (kind) => {
    const transport = new StillTransport()
    const endpoint = new PriceEndpoint<PriceTypes>({
      name: 'price',
      inputParameters: priceParameters(),
      transport,
      customOutputValidation: kind.customOutputValidation as never,
    })
    const adapter = kind.make(endpoint as never)
    adapter.defaultEndpoint = 'price'
    await using service = await serve(adapter, { env })
    const cache = adapter.dependencies.cache as LocalCache<AdapterResponse>
    await transport.put(ETH, 4)
    const stored = JSON.stringify(await cache.get(keyOf('eth', 'usd')))
    for (let time = 0; time < 3; time++) {
      const { statusCode, json } = await service.post(ETH)
      // The author has a say in this answer, and in no other.
      expect([statusCode, json.result, json.data.result, json.added]).toEqual([203, 666, 666, true])
      expect(JSON.stringify(await cache.get(keyOf('eth', 'usd')))).toBe(stored)
    }
  })

  it('ID-5: stays as it is when the first request waited for it', async () => {
    const transport = new StillTransport()
    const endpoint = new PriceEndpoint<PriceTypes>({
      name: 'price',
      inputParameters: priceParameters(),
      transport,
    })
    const adapter = new Spoiling({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
    await using service = await serve(adapter, { env: PATIENT })
    const cache = adapter.dependencies.cache as LocalCache<AdapterResponse>
    const asked = service.post(ETH)
    await eventually(async () => expect(await transport.wanted()).toEqual([ETH]))
    await transport.put(ETH, 4)
    expect((await asked).json.result).toBe(666)
    expect(await cache.get(keyOf('eth', 'usd'))).toMatchObject({ result: 4, data: { result: 4 } })
  })

  it('ID-4, ID-5: answers direct requests as if nobody had asked for an inverse', async () => {
    const run = async (name: 'CALM' | 'DISTURBED') => {
      const transport = new StillTransport()
      const endpoint = new PriceEndpoint<PriceTypes>({
        name: 'price',
        inputParameters: priceParameters(),
        transport,
      })
      const adapter = new PriceAdapter({
        name,
        defaultEndpoint: 'price',
        endpoints: [endpoint],
        includes,
      })
      const service = await serve(adapter, { env: { ...env, METRICS_ENABLED: 'false' } })
      return stoppable({ service, transport })
    }
    await using calm = await run('CALM')
    await using disturbed = await run('DISTURBED')
    const step = fc.oneof(
      fc.constant('direct' as const),
      fc.constant('inverse' as const),
      fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, 1, -1)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        let value = 2
        for (const { transport } of [calm, disturbed]) await transport.put(ETH, value)
        for (const one of steps) {
          if (typeof one === 'number') {
            value = one
            for (const { transport } of [calm, disturbed]) await transport.put(ETH, value)
          } else if (one === 'inverse') {
            const { statusCode, json } = await disturbed.service.post(USD)
            const inverted = 1 / value
            if (Number.isFinite(inverted)) expect([statusCode, json.result]).toEqual([200, inverted])
            else expect([statusCode, json.result]).toEqual([502, undefined])
          } else {
            const answers = await Promise.all([calm, disturbed].map(({ service }) => service.post(ETH)))
            const [first, second] = answers.map(({ json }): unknown[] => [json.result, json.data])
            expect(second).toEqual(first)
          }
        }
      }),
      { numRuns: 40 },
    )
  }, 30_000)

  it('NU-5: is what an inverse of the inverse comes to', async () => {
    const transport = new StillTransport()
    const endpoint = new PriceEndpoint<PriceTypes>({
      name: 'price',
      inputParameters: priceParameters(),
      transport,
    })
    const adapter = new PriceAdapter({
      name: 'TEST',
      defaultEndpoint: 'price',
      endpoints: [endpoint],
      includes,
    })
    await using service = await serve(adapter, { env })
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 1e-12, max: 1e12, noNaN: true }), async (value) => {
        await transport.put(ETH, value)
        const inverted = (await service.post(USD)).json.result as number
        expect(Math.abs(1 / inverted - value)).toBeLessThanOrEqual(value * 2 ** -51)
      }),
      { numRuns: 50 },
    )
  })
})
