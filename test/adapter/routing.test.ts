import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type AdapterResponse } from '../../src/feeds/responses'
import { serve } from '../../src/testing/serve'
import { TransportRoutes } from '../../src/transports/routes'
import { type AdapterRequest } from '../../src/transports/transport'
import { AdapterError } from '../../src/validation/errors'
import { priceParameters, type PriceTypes, stillAdapter, StillTransport, stoppable } from '../http/support'
const ETH = { base: 'ETH', quote: 'USD' }
const env = { CACHE_POLLING_MAX_RETRIES: '0' }
type Hooked = ConstructorParameters<typeof AdapterEndpoint<PriceTypes>>[0]
type Request = AdapterRequest<{ base: string; quote: string }>

afterEach(() => void vi.restoreAllMocks())

/** An endpoint with two routes, each with its own value of ETH/USD: 1 and 2. */
const routed = async (more: Partial<Hooked> = {}) => {
  const ws = new StillTransport()
  const rest = new StillTransport()
  const transportRoutes = new TransportRoutes<PriceTypes>().register('ws', ws).register('rest', rest)
  const endpoint = new AdapterEndpoint<PriceTypes>({
    name: 'routed',
    inputParameters: priceParameters(),
    ...(more as object),
    transportRoutes,
  })
  const { adapter } = stillAdapter({
    adapter: { name: 'MY-ADAPTER', endpoints: [endpoint], defaultEndpoint: 'routed' },
  })
  const service = await serve(adapter, { env })
  await ws.put(ETH, 1)
  await rest.put(ETH, 2)
  return stoppable({
    service,
    ask: async (data: object = {}) => (await service.post({ ...ETH, ...data })).json as AdapterResponse,
  })
}

describe('the transport of a request', () => {
  it('is what the custom router says, then what the request says, then the default', async () => {
    const customRouter = vi.fn(
      (req: Request) => (req.body as unknown as { data: { pick?: string } }).data.pick ?? '',
    )
    await using started = await routed({ customRouter, defaultTransport: 'WS' })
    const { ask } = started
    expect(await ask({ pick: 'REST', transport: 'ws' })).toMatchObject({ result: 2 })
    expect(await ask({ transport: 'Rest' })).toMatchObject({ result: 2 })
    expect(await ask()).toMatchObject({ result: 1 })
    expect(await ask({ transport: '' })).toMatchObject({ result: 1 })
  })

  it.each(['my-adapter', 'MY-ADAPTER', 'my_adapter', 'My_Adapter'])(
    'is overridden under the name %s of the adapter',
    async (name) => {
      await using started = await routed({ defaultTransport: 'ws' })
      const { ask } = started
      expect(await ask({ transport: 'ws', overrides: { [name]: { transport: 'rest' } } })).toMatchObject({
        result: 2,
      })
      expect(await ask({ overrides: { other: { transport: 'rest' } } })).toMatchObject({ result: 1 })
    },
  )

  it('is chosen before the custom validation, with an unfinished context', async () => {
    const seen: object[] = []
    const customRouter = (req: Request) => {
      seen.push({ router: { ...req.requestContext } })
      return 'rest'
    }
    const customInputValidation = (req: Request) => {
      seen.push({ validation: req.requestContext.transportName })
      return undefined
    }
    const requestTransforms = [
      (req: Request) => void seen.push({ transform: req.requestContext.transportName }),
    ]
    await using started = await routed({ customRouter, customInputValidation, requestTransforms })
    const { ask } = started
    await ask()
    expect(seen).toEqual([
      {
        router: {
          cacheKey: '',
          data: ETH,
          endpointName: 'routed',
          requestEndpointName: 'routed',
          transportName: '',
        },
      },
      { validation: 'rest' },
      { transform: 'rest' },
    ])
  })

  it('keeps its values to itself', async () => {
    await using started = await routed()
    const { ask } = started
    for (let time = 0; time < 2; time++) {
      expect(await ask({ transport: 'ws' })).toMatchObject({ result: 1, meta: { transportName: 'ws' } })
      expect(await ask({ transport: 'rest' })).toMatchObject({ result: 2, meta: { transportName: 'rest' } })
    }
  })
})

describe('transport routes', () => {
  it.each(['REST', 'a1', 'a-b', 'a_b', '', 'über'])('refuse the name "%s"', (name) => {
    expect(() => new TransportRoutes().register(name, new StillTransport() as never)).toThrow(
      new Error(
        `Transport name "${name}" is invalid. Names in the AdapterEndpoint transports map can only include lowercase letters.`,
      ),
    )
  })

  it('refuse a name twice, and keep their order', () => {
    const one = new StillTransport() as never
    const routes = new TransportRoutes().register('z', one).register('a', new StillTransport() as never)
    expect(() => routes.register('z', one)).toThrow(
      new Error('Transport with name "z" is already registered in this map'),
    )
    expect(routes.routeNames()).toEqual(['z', 'a'])
    expect(routes.entries().map(([name]) => name)).toEqual(['z', 'a'])
    expect(routes.get('z')).toBe(one)
  })

  it('have to be two for a composite transport', () => {
    const transportRoutes = new TransportRoutes<PriceTypes>().register('ws', new StillTransport())
    const make = () => new AdapterEndpoint({ name: 'c', transportRoutes, enableCompositeTransport: true })
    expect(make).toThrow(
      new AdapterError({ statusCode: 400, message: 'Composite transport requires at least 2 transports' }),
    )
  })
})
