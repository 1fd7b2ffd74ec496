import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { serve } from '../../src/testing/serve'
import { type AdapterRequest } from '../../src/transports/transport'
import { deferredPromise } from '../../src/util/sleep'
import { AdapterError, AdapterInputError } from '../../src/validation/errors'
import { keyOf, type PriceTypes, stillAdapter, StillTransport, stoppable } from '../http/support'
const ETH = { base: 'ETH', quote: 'USD' }
const env = { CACHE_POLLING_MAX_RETRIES: '0' }
const timestamps = {
  providerDataRequestedUnixMs: 1,
  providerDataReceivedUnixMs: 1,
  providerIndicatedTimeUnixMs: 1,
}

type Hooked = ConstructorParameters<typeof AdapterEndpoint<PriceTypes>>[0]
type Request = AdapterRequest<{ base: string; quote: string }>

afterEach(() => void vi.restoreAllMocks())

describe('hooks of an endpoint', () => {
  const endpointWith = async (endpoint: Partial<Hooked>) => {
    const still = stillAdapter({ endpoint: endpoint })
    const service = await serve(still.adapter, { env })
    await still.transport.put(ETH, 5)
    return stoppable({ still, service })
  }

  it('customInputValidation refuses by returning an error or by throwing one', async () => {
    const error = new AdapterInputError({ statusCode: 422, message: 'no such pair' })
    const hooks = [
      () => error,
      () => {
        throw error
      },
    ]
    for (const customInputValidation of hooks) {
      await using started = await endpointWith({ customInputValidation })
      const { still, service } = started
      for (let time = 0; time < 2; time++)
        expect(await service.post(ETH)).toMatchObject({
          statusCode: 422,
          json: { error: { message: 'no such pair' } },
        })
      expect(await still.transport.wanted()).toEqual([])
    }
  })

  it.each([undefined, null, false])('customInputValidation lets pass by returning %s', async (nothing) => {
    await using started = await endpointWith({ customInputValidation: () => nothing as undefined })
    const { service } = started
    expect((await service.post(ETH)).statusCode).toBe(200)
  })

  it('customInputValidation may change the parameters', async () => {
    await using started = await endpointWith({
      customInputValidation: (req) => {
        req.requestContext.data.base = 'ETH'
        return undefined
      },
    })
    const { service } = started
    expect((await service.post({ ...ETH, base: 'whatever' })).json).toMatchObject({ result: 5 })
  })

  it('17.6: customOutputValidation counts when it throws, and not when it returns', async () => {
    await using returning = await endpointWith({
      customOutputValidation: () => new AdapterError({ statusCode: 507 }),
    })
    expect((await returning.service.post(ETH)).statusCode).toBe(200)
    await using throwing = await endpointWith({
      customOutputValidation: ({ result }) => {
        throw new AdapterError({ statusCode: 507, message: `no ${result}` })
      },
    })
    for (let time = 0; time < 2; time++)
      expect(await throwing.service.post(ETH)).toMatchObject({
        statusCode: 507,
        json: { error: { message: 'no 5' } },
      })
  })

  it('customOutputValidation does not see errors', async () => {
    const customOutputValidation = vi.fn(() => undefined)
    await using started = await endpointWith({ customOutputValidation })
    const { still, service } = started
    await still.transport.putError({ base: 'BTC', quote: 'USD' }, 502, 'no')
    expect((await service.post({ base: 'BTC', quote: 'USD' })).statusCode).toBe(502)
    expect(customOutputValidation).not.toHaveBeenCalled()
  })

  it('transforms run in order, after the overrides', async () => {
    const seen: string[] = []
    const note = (mark: string) => (req: Request) => {
      seen.push(req.requestContext.data.base)
      req.requestContext.data.base += mark
    }
    const requestTransforms = [note('1'), note('2')]
    await using started = await endpointWith({ requestTransforms, overrides: { A: 'B' } })
    const { still, service } = started
    await service.post({ base: 'A', quote: 'USD' })
    expect(seen).toEqual(['B', 'B1'])
    expect(await still.transport.wanted()).toEqual([{ base: 'B12', quote: 'USD' }])
  })

  it('a transform that puts new parameters in their place decides on the feed', async () => {
    await using started = await endpointWith({
      requestTransforms: [(req) => void (req.requestContext.data = { ...ETH })],
    })
    const { service } = started
    expect((await service.post({ base: 'X', quote: 'Y' })).json).toMatchObject({ result: 5 })
  })

  it('IS-4: one that throws is answered with 500 and its message', async () => {
    const fail = () => {
      throw new Error('oops')
    }
    for (const hook of ['customInputValidation', 'customOutputValidation', 'cacheKeyGenerator']) {
      await using started = await endpointWith({ [hook]: fail })
      const { service } = started
      for (let time = 0; time < 2; time++)
        expect(await service.post(ETH)).toMatchObject({ statusCode: 500, text: 'oops' })
    }
  })

  it('cacheKeyGenerator makes the whole key but the prefix, hashed when it is long', async () => {
    const cacheKeyGenerator = ({ base }: { base: string }) => `${base}!`
    await using started = await endpointWith({ cacheKeyGenerator })
    const { still, service } = started
    const value = { result: 7, data: {}, statusCode: 200 } as never
    still.adapter.settings.CACHE_PREFIX = 'p'
    await still.local().set('p-ETH!', value, 1_000)
    expect((await service.post(ETH)).json).toMatchObject({ result: 7 })
    still.adapter.settings.MAX_COMMON_KEY_SIZE = 3
    expect((await service.post(ETH)).statusCode).toBe(504)
    await still.local().set(`p-${createHash('sha1').update('ETH!').digest('base64')}`, value, 1_000)
    expect((await service.post(ETH)).json).toMatchObject({ result: 7 })
  })
})

describe('registering a request', () => {
  class Registering extends StillTransport {
    error: Error | undefined
    override async registerRequest(...args: Parameters<StillTransport['registerRequest']>): Promise<void> {
      if (this.error !== undefined) throw this.error
      await super.registerRequest(...args)
    }
  }

  it('fails the request when there is no value', async () => {
    const transport = new Registering()
    await using service = await serve(stillAdapter({ transport }).adapter)
    transport.error = new Error('set is full')
    expect(await service.post(ETH)).toMatchObject({ statusCode: 500, text: 'set is full' })
    transport.error = new AdapterError({ statusCode: 503, message: 'full' })
    expect(await service.post(ETH)).toMatchObject({ statusCode: 503, json: { error: { message: 'full' } } })
  })

  it('costs nothing but a log line when there is a value', async () => {
    const transport = new Registering()
    await using service = await serve(stillAdapter({ transport }).adapter)
    await transport.put(ETH, 5)
    transport.error = new Error('set is full')
    for (let time = 0; time < 2; time++) expect((await service.post(ETH)).json).toMatchObject({ result: 5 })
  })

  it('does not keep foreground work waiting', async () => {
    let registered!: () => void
    class Slow extends StillTransport {
      override registerRequest(): Promise<void> {
        return new Promise((resolve) => (registered = resolve))
      }
      foregroundExecute() {
        return Promise.resolve({ result: 3, data: {}, statusCode: 200, timestamps } as never)
      }
    }
    await using service = await serve(stillAdapter({ transport: new Slow() }).adapter)
    expect((await service.post(ETH)).json).toMatchObject({ result: 3 })
    registered()
  })

  it('waits for the reply when there is a value', async () => {
    const still = stillAdapter()
    const service = await serve(still.adapter)
    await still.transport.put(ETH, 5)
    const [replySent, send] = deferredPromise<void>()
    const requestContext = {
      cacheKey: keyOf('eth', 'usd'),
      data: ETH,
      endpointName: 'price',
      requestEndpointName: 'price',
      transportName: 'default_single_transport',
    }
    const req = { requestContext } as unknown as AdapterRequest<never>
    expect(await still.adapter.handleRequest(req, replySent)).toMatchObject({ result: 5 })
    expect(await still.transport.wanted()).toEqual([])
    send()
    await replySent
    expect(await still.transport.wanted()).toEqual([ETH])
    await service.stop()
  })
})
