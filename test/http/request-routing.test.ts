import { describe, expect, it } from 'vitest'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { TransportRoutes } from '../../src/transports/routes'
import { serve } from '../../src/testing/serve'
import { priceParameters, stillAdapter, StillTransport } from './support'

const errored = (statusCode: number, message: string) => ({
  status: 'errored',
  statusCode,
  error: { name: 'AdapterError', message },
})

describe('routing', () => {
  const routed = async () => {
    const rest = new StillTransport()
    const transportRoutes = new TransportRoutes().register('ws', new StillTransport()).register('rest', rest)
    const endpoint = new AdapterEndpoint({
      name: 'routed',
      inputParameters: priceParameters(),
      transportRoutes: transportRoutes,
    })
    const { adapter } = stillAdapter({ adapter: { endpoints: [endpoint] } })
    const service = await serve(adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
    await rest.put({ base: 'ETH', quote: 'USD' }, 3)
    return service
  }

  it.each([
    [
      'no transport',
      {},
      'No result was fetched from a custom router, no transport was specified in the input parameters, and this endpoint does not have a default transport set.',
    ],
    [
      'an empty one',
      { transport: '' },
      'No result was fetched from a custom router, no transport was specified in the input parameters, and this endpoint does not have a default transport set.',
    ],
    ['an unknown one', { transport: 'ZZ' }, 'No transport found for key "zz", must be one of ["ws","rest"]'],
    [
      'one called __proto__',
      { transport: 'constructor' },
      'No transport found for key "constructor", must be one of ["ws","rest"]',
    ],
    ['a number', { transport: 5 }, 'The transport of a request should be a string'],
  ])('is refused with 400 for %s', async (_name, more, message) => {
    await using service = await routed()
    for (let time = 0; time < 2; time++) {
      const reply = await service.post({ base: 'ETH', quote: 'USD', ...more }, { endpoint: 'routed' })
      expect(reply).toMatchObject({ statusCode: 400, json: errored(400, message) })
    }
  })

  it('takes the transport of the request, its override for this adapter first', async () => {
    await using service = await routed()
    for (const more of [
      { transport: 'REST' },
      { transport: 'ws', overrides: { Test: { transport: 'rest' } } },
    ]) {
      for (let time = 0; time < 2; time++) {
        const reply = await service.post({ base: 'ETH', quote: 'USD', ...more }, { endpoint: 'routed' })
        expect(reply.json).toMatchObject({ result: 3, meta: { transportName: 'rest' } })
      }
    }
  })
})
