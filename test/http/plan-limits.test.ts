import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { pure } from '../../src/adapter/pure'
import { LocalCache } from '../../src/feeds/local-cache'
import { serve } from '../../src/testing/serve'
import { eventually } from '../helpers/eventually'
import { priceParameters, stillAdapter, type StillAdapter, StillTransport, stoppable } from './support'
const ETH = { base: 'ETH', quote: 'USD' }
const START = 1_700_000_000_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: START }))
afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Counts how often requests are validated, which is what a plan saves. */
const countValidations = ({ endpoint }: StillAdapter) => vi.spyOn(endpoint.inputParameters, 'validateInput')

const start = async (of: Parameters<typeof stillAdapter>[0] = {}) => {
  const still = stillAdapter(of)
  const service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
  await still.transport.put(ETH, 5)
  return stoppable({ still, service })
}

describe('no plan is made', () => {
  /** How often a request that is sent three times is prepared. */
  const preparations = async (of: Parameters<typeof stillAdapter>[0]) => {
    await using started = await start(of)
    const { still, service } = started
    const validations = countValidations(still)
    for (let time = 0; time < 3; time++) expect((await service.post(ETH)).statusCode).toBe(200)
    return validations.mock.calls.length
  }

  it('for an endpoint with hooks of the author, unless they are declared pure', async () => {
    const nothing = () => undefined
    const hooks = { customInputValidation: nothing, requestTransforms: [nothing] }
    for (const [name, hook] of Object.entries(hooks))
      expect(await preparations({ endpoint: { [name]: hook } })).toBe(3)
    const declared = { customInputValidation: pure(nothing), requestTransforms: [pure(nothing)] }
    expect(await preparations({ endpoint: declared })).toBe(1)
  })

  it('for an endpoint that validates its output', async () => {
    expect(await preparations({ endpoint: { customOutputValidation: () => undefined } })).toBe(3)
  })

  it('for an adapter that handles requests itself', async () => {
    class Own extends Adapter {
      seen = 0
      override handleRequest(...args: Parameters<Adapter['handleRequest']>) {
        this.seen++
        return super.handleRequest(...args)
      }
    }
    const still = stillAdapter({ make: (params) => new Own(params) })
    await using service = await serve(still.adapter)
    await still.transport.put(ETH, 5)
    for (let time = 0; time < 3; time++) await service.post(ETH)
    expect((still.adapter as Own).seen).toBe(3)
  })

  it('for a transport that registers requests itself', async () => {
    class Own extends StillTransport {
      seen: string[] = []
      override async registerRequest(req: Parameters<StillTransport['registerRequest']>[0]): Promise<void> {
        this.seen.push(req.requestContext.requestEndpointName)
        await super.registerRequest(req, {} as never)
      }
    }
    const transport = new Own()
    const still = stillAdapter({ transport })
    await using service = await serve(still.adapter)
    await transport.put(ETH, 5)
    for (const endpoint of ['price', 'crypto', 'price']) await service.post(ETH, { endpoint })
    await eventually(() => expect(transport.seen).toEqual(['price', 'crypto', 'price']))
  })

  it('for a cache with a `get` of its own', async () => {
    class Counting extends LocalCache {
      gets = 0
      override get(key: string) {
        this.gets++
        return super.get(key)
      }
    }
    const cache = new Counting(100)
    const still = stillAdapter()
    await using service = await serve(still.adapter, { dependencies: { cache } })
    await still.transport.put(ETH, 5)
    for (let time = 0; time < 3; time++) expect((await service.post(ETH)).statusCode).toBe(200)
    expect(cache.gets).toBe(3)
  })

  it('across adapters, nor across endpoints', async () => {
    const other = new StillTransport()
    const endpoint = new AdapterEndpoint({
      name: 'other',
      inputParameters: priceParameters(),
      transport: other,
    })
    await using started = await start({ adapter: { endpoints: [endpoint] } })
    const { still, service } = started
    await other.put(ETH, 50)
    for (let time = 0; time < 2; time++) {
      expect((await service.post(ETH)).json).toMatchObject({ result: 5 })
      expect((await service.post(ETH, { endpoint: 'other' })).json).toMatchObject({ result: 50 })
    }
    expect(await still.transport.wanted()).toEqual([ETH])
  })
})
