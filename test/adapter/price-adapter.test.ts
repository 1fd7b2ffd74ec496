import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type IncludesFile, PriceAdapter } from '../../src/adapter/price-adapter'
import {
  CryptoPriceEndpoint,
  ForexPriceEndpoint,
  PriceEndpoint,
  priceEndpointInputParametersDefinition,
} from '../../src/adapter/price-endpoint'
import { type LocalCache } from '../../src/feeds/local-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import { serve } from '../../src/testing/serve'
import { InputParameters } from '../../src/validation/input-parameters'
import {
  keyOf,
  type Pair,
  priceParameters,
  type PriceTypes,
  StillTransport,
  stoppable,
} from '../http/support'
import { answering, fresh } from './answering-transport'

const ETH = { base: 'ETH', quote: 'USD' }
const USD = { base: 'USD', quote: 'ETH' }
const env = { CACHE_POLLING_MAX_RETRIES: '0', METRICS_ENABLED: 'false' }

const includes: IncludesFile = [
  {
    from: 'USD',
    to: 'ETH',
    includes: [
      { from: 'ETH', to: 'USD', inverse: true },
      { from: 'X', to: 'Y', inverse: false },
    ],
  },
  { from: 'WETH', to: 'USD', includes: [{ from: 'ETH', to: '', inverse: false }] },
  { from: 'EUR', to: 'USD', includes: [{ from: 'ETH', to: 'USD', inverse: true, endpoints: ['other'] }] },
  { from: 'EUR', to: 'ETH', includes: [] },
]

const start = async (file: IncludesFile | undefined = includes, requestTransforms: never[] = []) => {
  const transport = new StillTransport()
  const inputParameters = priceParameters()
  const endpoint = new PriceEndpoint<PriceTypes>({
    name: 'price',
    inputParameters,
    transport,
    requestTransforms,
  })
  const adapter = new PriceAdapter({
    name: 'TEST',
    defaultEndpoint: 'price',
    endpoints: [endpoint],
    includes: file,
  })
  const service = await serve(adapter, { env })
  const ask = async (pair: object) => await service.post(pair)
  const cache = adapter.dependencies.cache as LocalCache<AdapterResponse>
  return stoppable({ service, transport, ask, cache })
}

describe('a price adapter', () => {
  it('has at least one price endpoint', () => {
    const endpoint = new AdapterEndpoint({ name: 'x', transport: new StillTransport() as never })
    expect(() => new PriceAdapter({ name: 'TEST', endpoints: [endpoint] })).toThrow(
      new Error("This PriceAdapter's list of endpoints does not contain a valid PriceEndpoint"),
    )
  })

  it('answers a pair through the one that includes name, and the first one only', async () => {
    await using started = await start()
    const { transport, ask } = started
    await transport.put(ETH, 8)
    for (let time = 0; time < 2; time++) {
      expect((await ask({ base: 'WETH', quote: 'USD' })).json).toMatchObject({
        result: 8,
        data: { result: 8 },
      })
      expect((await ask(USD)).json).toMatchObject({ result: 0.125, data: { result: 0.125 }, statusCode: 200 })
      expect((await ask(ETH)).json).toMatchObject({ result: 8, data: { result: 8 } })
    }
    expect(await transport.wanted()).toEqual([ETH])
  })

  it('looks pairs up by the very letters', async () => {
    await using started = await start()
    const { transport, ask } = started
    await transport.put(ETH, 8)
    expect((await ask({ base: 'usd', quote: 'eth' })).statusCode).toBe(504)
    for (const base of ['__proto__', 'constructor'])
      expect((await ask({ base, quote: 'USD' })).statusCode).toBe(504)
  })

  it('leaves a pair alone whose includes are empty', async () => {
    await using started = await start()
    const { transport, ask } = started
    await transport.put({ base: 'EUR', quote: 'ETH' }, 3)
    expect((await ask({ base: 'EUR', quote: 'ETH' })).json).toMatchObject({ result: 3 })
  })

  it('refuses a pair that its endpoint is not listed for', async () => {
    await using started = await start()
    const { ask } = started
    for (let time = 0; time < 2; time++) {
      expect(await ask({ base: 'EUR', quote: 'USD' })).toMatchObject({
        statusCode: 500,
        text: 'Endpoint price not supported for EUR/USD in includes.json',
      })
    }
  })

  it('applies includes after the transforms of the author', async () => {
    const toUsd = (req: { requestContext: { data: Pair } }) => {
      if (req.requestContext.data.base === 'DOLLAR') req.requestContext.data.base = 'USD'
    }
    await using started = await start(includes, [toUsd as never])
    const { transport, ask } = started
    await transport.put(ETH, 8)
    expect((await ask({ base: 'DOLLAR', quote: 'ETH' })).json).toMatchObject({ result: 0.125 })
  })

  it('looks pairs up after the overrides of the request and of the endpoint', async () => {
    const transport = new StillTransport()
    const endpoint = new PriceEndpoint<PriceTypes>({
      name: 'price',
      inputParameters: priceParameters(),
      transport,
      overrides: { BUCK: 'USD' },
    })
    const adapter = new PriceAdapter({
      name: 'TEST',
      defaultEndpoint: 'price',
      endpoints: [endpoint],
      includes,
    })
    await using service = await serve(adapter, { env })
    await transport.put(ETH, 8)
    const overrides = { test: { dollar: 'USD' } }
    for (const base of ['dollar', 'BUCK'])
      expect((await service.post({ base, quote: 'ETH', overrides })).json).toMatchObject({ result: 0.125 })
  })

  it('applies to every kind of price endpoint, and to no other', async () => {
    const kinds = {
      price: PriceEndpoint,
      crypto: CryptoPriceEndpoint,
      forex: ForexPriceEndpoint,
      plain: AdapterEndpoint,
    }
    const transports: StillTransport[] = []
    const endpoints = Object.entries(kinds).map(([name, Kind]) => {
      const transport = new StillTransport()
      transports.push(transport)
      return new (Kind as typeof AdapterEndpoint<PriceTypes>)({
        name: `a-${name}`,
        inputParameters: priceParameters(),
        transport,
      })
    })
    const adapter = new PriceAdapter({ name: 'TEST', endpoints, includes })
    await using service = await serve(adapter, { env })
    const results: unknown[] = []
    for (const [at, name] of Object.keys(kinds).entries()) {
      await transports[at]!.put(ETH, 8)
      await transports[at]!.put(USD, 3)
      results.push((await service.post(USD, { endpoint: `a-${name}` })).json.result)
    }
    expect(results).toEqual([0.125, 0.125, 0.125, 3])
    expect(endpoints.map(({ requestTransforms }) => requestTransforms.length)).toEqual([2, 2, 2, 1])
  })

  it('may list the endpoints that a pair is for, by their names', async () => {
    const listed: IncludesFile = [
      {
        from: 'USD',
        to: 'ETH',
        includes: [{ from: 'ETH', to: 'USD', inverse: true, endpoints: ['x', 'price'] }],
      },
    ]
    const transport = new StillTransport()
    const endpoint = new PriceEndpoint<PriceTypes>({
      name: 'Price',
      aliases: ['spot'],
      inputParameters: priceParameters(),
      transport,
    })
    const adapter = new PriceAdapter({ name: 'TEST', endpoints: [endpoint], includes: listed })
    await using service = await serve(adapter, { env })
    await transport.put(ETH, 8)
    for (const name of ['price', 'SPOT'])
      expect((await service.post(USD, { endpoint: name })).json).toMatchObject({ result: 0.125 })
  })

  it('tells in the request whether the answer is an inverse', async () => {
    const seen: unknown[] = []
    const transport = answering((req) => {
      const { data, priceMeta } = req.requestContext as { data: unknown; priceMeta?: unknown }
      seen.push([data, priceMeta])
      return fresh(8, { result: 8 })
    })
    const inputParameters = new InputParameters({
      base: { type: 'string', description: 'b' },
      quote: { type: 'string', description: 'q' },
    })
    const endpoint = new PriceEndpoint({ name: 'price', inputParameters, transport } as never)
    const adapter = new PriceAdapter({
      name: 'TEST',
      defaultEndpoint: 'price',
      endpoints: [endpoint],
      includes,
    })
    await using service = await serve(adapter, { env })
    const results: unknown[] = []
    for (const data of [
      USD,
      ETH,
      { base: 'WETH', quote: 'USD' },
      { base: 'USD' },
      { base: '', quote: 'ETH' },
    ])
      results.push((await service.post(data)).json.result)
    expect(results).toEqual([0.125, 8, 8, 8, 8])
    expect(seen).toEqual([
      [ETH, { inverse: true }],
      [ETH, { inverse: false }],
      [ETH, { inverse: false }],
      [{ base: 'USD', quote: undefined }, undefined],
      [{ base: '', quote: 'ETH' }, undefined],
    ])
  })

  it.each([
    [{ result: 0 }, { result: 0 }],
    [
      { result: 4, price: 4 },
      { result: 0.25, price: 4 },
    ],
    [{}, {}],
    [undefined, undefined],
    [null, null],
  ])('inverts data.result as well, where there is one: %j', async (data, expected) => {
    const endpoint = new PriceEndpoint({
      name: 'price',
      inputParameters: priceParameters(),
      transport: answering(() => fresh(8, data)),
    } as never)
    const adapter = new PriceAdapter({
      name: 'TEST',
      defaultEndpoint: 'price',
      endpoints: [endpoint],
      includes,
    })
    await using service = await serve(adapter, { env })
    const { statusCode, json } = await service.post(USD)
    expect([statusCode, json.result, json.data]).toEqual([200, 0.125, expected])
  })

  it('passes the error of an inverse pair on as it is', async () => {
    await using started = await start()
    const { transport, ask } = started
    await transport.putError(ETH, 502, 'down')
    const direct = await ask(ETH)
    expect(direct.statusCode).toBe(502)
    for (let time = 0; time < 2; time++) expect(await ask(USD)).toEqual(direct)
  })

  it.each([0, -0])('NU-5: the inverse of %s is an error with a cause', async (result) => {
    await using started = await start()
    const { transport, ask } = started
    await transport.put(ETH, result)
    for (let time = 0; time < 2; time++) {
      const { statusCode, json } = await ask(USD)
      expect([statusCode, (json as { error: { message: string } }).error.message]).toEqual([
        502,
        'The value 0 has no inverse',
      ])
      expect((await ask(ETH)).json).toMatchObject({ result: 0 })
    }
  })

  it.each([null, 'many', ''])('NU-5: the inverse of %j is an error', async (result) => {
    await using started = await start()
    const { ask, cache } = started
    const timestamps = {
      providerDataReceivedUnixMs: 1,
      providerDataRequestedUnixMs: 1,
      providerIndicatedTimeUnixMs: 1,
    }
    await cache.set(keyOf('eth', 'usd'), { result, data: {}, statusCode: 200, timestamps }, 1_000)
    expect((await ask(USD)).statusCode).toBe(502)
  })

  it('ID-4, ID-5: direct and inverse requests live side by side, and no entry is changed', async () => {
    await using started = await start()
    const { transport, ask, cache } = started
    const steps = fc.array(
      fc.oneof(
        fc.constant({ kind: 'direct' as const }),
        fc.constant({ kind: 'inverse' as const }),
        fc.double({ min: 1e-9, max: 1e9, noNaN: true }).map((value) => ({ kind: 'put' as const, value })),
      ),
      { maxLength: 20 },
    )
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        let now = 2
        await transport.put(ETH, now)
        const key = keyOf('eth', 'usd')
        let stored = JSON.stringify(await cache.get(key))
        for (const step of list) {
          if (step.kind === 'put') {
            now = step.value
            await transport.put(ETH, now)
            stored = JSON.stringify(await cache.get(key))
          } else if (step.kind === 'direct') {
            expect((await ask(ETH)).json).toMatchObject({ result: now, data: { result: now } })
          } else {
            expect((await ask(USD)).json).toMatchObject({ result: 1 / now, data: { result: 1 / now } })
          }
          expect(JSON.stringify(await cache.get(key))).toBe(stored)
        }
        expect(cache.cache.size).toBe(1)
      }),
      { numRuns: 60 },
    )
  }, 30_000)
})

describe('endpoints of price adapters', () => {
  const made = (name: string, aliases?: string[]) => {
    const params = { name, aliases, inputParameters: priceParameters(), transport: new StillTransport() }
    const endpoint = new CryptoPriceEndpoint<PriceTypes>(params)
    expect(params.aliases).toBe(endpoint.aliases)
    return endpoint.aliases
  }

  it('for crypto answer to crypto and price as well', () => {
    expect(made('ticker')).toEqual(['crypto', 'price'])
    expect(made('crypto')).toEqual(['price'])
    expect(made('price', ['spot', 'crypto'])).toEqual(['spot', 'crypto'])
    expect(made('ticker', ['price'])).toEqual(['price', 'crypto'])
  })

  it('take base and quote under their usual names', () => {
    const { base, quote } = priceEndpointInputParametersDefinition
    expect([base, quote]).toMatchObject([
      { type: 'string', required: true, aliases: ['from', 'coin'] },
      { type: 'string', required: true, aliases: ['to', 'market'] },
    ])
  })

  it('for forex are price endpoints', () => {
    const params = { name: 'fx', inputParameters: priceParameters(), transport: new StillTransport() }
    expect(new ForexPriceEndpoint<PriceTypes>(params)).toBeInstanceOf(PriceEndpoint)
  })
})
