import { describe, expect, it, vi } from 'vitest'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { serve } from '../../src/testing/serve'
import { TransportRoutes } from '../../src/transports/routes'
import { type AdapterRequest } from '../../src/transports/transport'
import {
  AdapterConnectionError,
  AdapterCustomError,
  AdapterDataProviderError,
  AdapterError,
  AdapterInputError,
  AdapterLWBAError,
  AdapterRateLimitError,
  AdapterTimeoutError,
} from '../../src/validation/errors'
import { InputParameters } from '../../src/validation/input-parameters'
import { keyOf, priceParameters, type PriceTypes, stillAdapter, StillTransport } from '../http/support'

const ETH = { base: 'ETH', quote: 'USD' }
const env = { CACHE_POLLING_MAX_RETRIES: '0' }
const timestamps = {
  providerDataRequestedUnixMs: 1,
  providerDataReceivedUnixMs: 2,
  providerIndicatedTimeUnixMs: undefined,
}

type Request = AdapterRequest<{ base: string; quote: string }>
type Params = ConstructorParameters<typeof AdapterEndpoint<PriceTypes>>[0]

const routedAdapter = (more: Partial<Params>) => {
  const transport = new StillTransport()
  const endpoint = new AdapterEndpoint<PriceTypes>({
    name: 'routed',
    inputParameters: priceParameters(),
    ...(more as object),
    transportRoutes: new TransportRoutes<PriceTypes>().register('ws', transport),
  })
  const { adapter } = stillAdapter({ adapter: { endpoints: [endpoint], defaultEndpoint: 'routed' } })
  return { adapter, endpoint, transport }
}

describe('the way of a request', () => {
  const refuse = (message: string) => () => {
    throw new AdapterError({ statusCode: 499, message })
  }

  it('fails at the first step that fails, in the order of the contract', async () => {
    const steps: string[] = []
    const step = <R>(name: string, result: R, fails: () => boolean) => {
      return () => {
        steps.push(name)
        if (fails()) throw new AdapterError({ statusCode: 499, message: name })
        return result
      }
    }
    let failing = ''
    const at = (name: string) => () => failing === name
    const { adapter } = routedAdapter({
      customRouter: step('router', 'ws', at('router')),
      customInputValidation: step('validation', undefined, at('validation')),
      requestTransforms: [
        step('transform 1', undefined, at('transform 1')),
        step('transform 2', undefined, at('transform 2')),
      ],
      cacheKeyGenerator: step('key', 'key', at('key')),
    })
    await using service = await serve(adapter, { env })
    const ask = async (data: object): Promise<unknown[]> => {
      steps.length = 0
      const { json } = await service.post(data)
      return [json.error.message as string, ...steps]
    }
    expect(await ask({ overrides: 'x', base: 5 })).toEqual(['Overrides should be an object'])
    expect(await ask({ base: 5, quote: 'USD' })).toEqual([
      '[Param: base] input type is not the expected one (string)',
    ])
    const order = ['router', 'validation', 'transform 1', 'transform 2', 'key']
    for (const [index, name] of order.entries()) {
      failing = name
      expect(await ask(ETH)).toEqual([name, ...order.slice(0, index + 1)])
    }
    failing = 'none'
    expect(await ask(ETH)).toEqual([expect.stringContaining('The EA has not received any values'), ...order])
  })

  it('is over when no transport is chosen, before the author’s validation', async () => {
    const customInputValidation = vi.fn(() => undefined)
    const { adapter } = routedAdapter({ customInputValidation })
    await using service = await serve(adapter, { env })
    expect(await service.post(ETH)).toMatchObject({
      statusCode: 400,
      json: {
        error: {
          name: 'AdapterError',
          message:
            'No result was fetched from a custom router, no transport was specified in the input parameters, and this endpoint does not have a default transport set.',
        },
      },
    })
    expect(await service.post({ ...ETH, transport: 'REST' })).toMatchObject({
      statusCode: 400,
      json: { error: { message: 'No transport found for key "rest", must be one of ["ws"]' } },
    })
    expect(customInputValidation).not.toHaveBeenCalled()
  })

  it('has no use for a router where there is one transport', async () => {
    const still = stillAdapter({ endpoint: { customRouter: refuse('router') } as never })
    await using service = await serve(still.adapter, { env })
    await still.transport.put(ETH, 5)
    for (const transport of [undefined, 'ws', 5])
      expect((await service.post({ ...ETH, transport })).json).toMatchObject({ result: 5 })
  })

  it('names the feed by what was validated, even where a transform puts something else in its place', async () => {
    const contexts: unknown[] = []
    const still = stillAdapter({
      endpoint: {
        requestTransforms: [(req) => void (req.requestContext.data = { ...ETH, base: 'BTC' })],
        cacheKeyGenerator: ({ base }) => `generated ${base}`,
      },
    })
    still.transport.registerRequest = (req: Request) => {
      contexts.push(structuredClone({ ...req.requestContext }))
      return Promise.resolve()
    }
    await using service = await serve(still.adapter, { env })
    await service.post({ from: 'ETH', market: 'USD', unknown: 1 }, { endpoint: 'CRYPTO' })
    expect(contexts).toEqual([
      {
        endpointName: 'price',
        requestEndpointName: 'crypto',
        transportName: 'default_single_transport',
        cacheKey: 'generated BTC',
        data: { base: 'BTC', quote: 'USD' },
        meta: { metrics: { feedId: '{"base":"eth","quote":"usd"}' } },
      },
    ])
  })

  it('names the feed by what a transform makes of the validated object itself', async () => {
    const still = stillAdapter({
      endpoint: { requestTransforms: [(req) => void (req.requestContext.data.base = 'BTC')] },
    })
    await using service = await serve(still.adapter, { env })
    await still.transport.put({ base: 'BTC', quote: 'USD' }, 7)
    const { json } = await service.post(ETH)
    expect([json.result, json.meta.metrics.feedId]).toEqual([7, '{"base":"btc","quote":"usd"}'])
    expect(await still.transport.wanted()).toEqual([{ base: 'BTC', quote: 'USD' }])
  })

  it('reads the parameters that an endpoint has now', async () => {
    const still = stillAdapter()
    still.adapter.endpoints[0]!.inputParameters = new InputParameters({
      base: { type: 'string', description: 'b', required: true },
      quote: { type: 'string', description: 'q', default: 'EUR' },
    })
    await using service = await serve(still.adapter, { env })
    await still.transport.put({ base: 'ETH', quote: 'EUR' }, 7)
    for (let time = 0; time < 2; time++)
      expect((await service.post({ base: 'ETH' })).json).toMatchObject({ result: 7 })
  })

  it('gives transforms the symbol overrider first, bound to its endpoint', () => {
    const mine = () => {}
    const { endpoint } = stillAdapter({ endpoint: { requestTransforms: [mine], overrides: { A: 'B' } } })
    const [overrider, ...others] = endpoint.requestTransforms
    expect(others).toEqual([mine])
    const req = { requestContext: { data: { base: 'A', quote: 'C' } }, body: {} } as unknown as Request
    endpoint.adapterName = 'TEST'
    overrider!(req, {} as never)
    expect(req.requestContext.data).toEqual({ base: 'B', quote: 'C' })
  })

  it.each([
    ['own name', {}, { 'my-adapter': { A: 'X' } }, { A: 'X' }],
    ['other letters', {}, { MY_ADAPTER: { A: 'X' } }, { A: 'X' }],
    ['another adapter', {}, { other: { A: 'X' } }, undefined],
    ['nothing', {}, undefined, undefined],
    [
      'an override of the name',
      { adapterNameOverride: 'other' },
      { other: { A: 'Y' }, 'my-adapter': { A: 'X' } },
      { A: 'Y' },
    ],
    [
      'an override without overrides',
      { adapterNameOverride: 'other' },
      { 'my-adapter': { A: 'X' } },
      { A: 'X' },
    ],
  ])('finds the overrides of a request by %s', (_what, data, overrides, expected) => {
    const { endpoint } = stillAdapter()
    endpoint.adapterName = 'MY-ADAPTER'
    expect(endpoint.getRequestOverrides(data, overrides)).toEqual(expected)
  })

  it('finds an endpoint by any of its names, in any letters', async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, { env })
    await still.local().set(keyOf('eth', 'usd'), { result: 5, data: {}, statusCode: 200, timestamps }, 60_000)
    for (const endpoint of ['price', 'PRICE', 'crypto', 'Crypto'])
      expect((await service.post(ETH, { endpoint })).json).toMatchObject({ result: 5 })
  })
})

describe('an error of the author’s', () => {
  const full = {
    statusCode: 418,
    message: 'm',
    url: 'u',
    feedID: 'f',
    errorResponse: { a: 1 },
    providerStatusCode: 503,
  }
  const body = {
    status: 'errored',
    statusCode: 418,
    providerStatusCode: 503,
    error: { name: 'AdapterError', message: 'm', url: 'u', feedID: 'f', errorResponse: { a: 1 } },
  }
  const classes = [
    ['AdapterError', (input: object) => new AdapterError(input), 'adapterError'],
    ['AdapterInputError', (input: object) => new AdapterInputError(input), 'inputError'],
    ['AdapterRateLimitError', (input: object) => new AdapterRateLimitError(input), 'rateLimitError'],
    ['AdapterTimeoutError', (input: object) => new AdapterTimeoutError(input), 'timeoutError'],
    [
      'AdapterDataProviderError',
      (input: object) => new AdapterDataProviderError(input, timestamps),
      'dataProviderError',
    ],
    [
      'AdapterConnectionError',
      (input: object) => new AdapterConnectionError(input, timestamps),
      'connectionError',
    ],
    ['AdapterCustomError', (input: object) => new AdapterCustomError(input), 'customError'],
    ['AdapterLWBAError', (input: object) => new AdapterLWBAError(input), 'lwbaError'],
  ] as const

  it.each(classes)('reaches client and metrics as what it is: %s', async (name, make, type) => {
    let thrown: Error = make(full)
    const still = stillAdapter({
      adapter: { name: name.toUpperCase() as 'X' },
      endpoint: {
        customInputValidation: () => {
          throw thrown
        },
      },
    })
    await using service = await serve(still.adapter, { env })
    const shown = name === 'AdapterLWBAError' ? name : 'AdapterError'
    const first = await service.post(ETH)
    expect([first.statusCode, first.json]).toEqual([418, { ...body, error: { ...body.error, name: shown } }])
    thrown = make({ errorResponse: 'only this' })
    const second = await service.post(ETH)
    const message = 'There was an unexpected error in the adapter.'
    expect([second.statusCode, second.json]).toEqual([
      500,
      { status: 'errored', statusCode: 500, error: { name: shown, message, errorResponse: 'only this' } },
    ])
    const count = (labels: object) =>
      service.metric('http_requests_total', { app_name: name.toUpperCase(), type, ...labels })
    expect(await count({ status_code: '418', provider_status_code: '503' })).toBe(1)
    expect(await count({ status_code: '500' })).toBe(1)
  })
})
