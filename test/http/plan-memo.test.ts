import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { pure } from '../../src/adapter/pure'
import { type LocalCache } from '../../src/feeds/local-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import { serve } from '../../src/testing/serve'
import { type AdapterRequest } from '../../src/transports/transport'
import { AdapterError, AdapterInputError } from '../../src/validation/errors'
import { InputParameters } from '../../src/validation/input-parameters'
import { keyOf, stillAdapter, type StillAdapter, SUBSCRIPTION_TTL_MS, stoppable } from './support'
const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const START = 1_700_000_000_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START }))
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

describe('a body seen before', () => {
  it('is answered from the rendered bytes, without running anything of the author', async () => {
    const transform = vi.fn()
    await using started = await start({ endpoint: { requestTransforms: [pure(transform)] } })
    const { still, service } = started
    const validations = countValidations(still)
    const first = await service.post(ETH)
    const render = vi.spyOn(JSON, 'stringify')
    const replies = [await service.post(ETH), await service.post(ETH)]
    const rendered = render.mock.calls.filter(
      ([value]) => (value as { result?: number } | null)?.result === 5,
    )
    expect(rendered).toHaveLength(1)
    expect(replies.map(({ text }) => text)).toEqual([first.text, first.text])
    expect(validations).toHaveBeenCalledTimes(1)
    expect(transform).toHaveBeenCalledTimes(1)
  })

  it('keeps its feed wanted', async () => {
    await using started = await start()
    const { still, service } = started
    await service.post(ETH)
    for (let minutes = 1; minutes <= 5; minutes++) {
      vi.advanceTimersByTime(SUBSCRIPTION_TTL_MS - 1_000)
      await still.transport.put(ETH, minutes)
      expect((await service.post(ETH)).json).toMatchObject({ result: minutes })
    }
    expect(await still.transport.wanted()).toEqual([ETH])
    vi.advanceTimersByTime(SUBSCRIPTION_TTL_MS)
    expect(await still.transport.wanted()).toEqual([])
    await still.transport.put(ETH, 9)
    expect((await service.post(ETH)).json).toMatchObject({ result: 9 })
    expect(await still.transport.wanted()).toEqual([ETH])
  })

  it('is answered with the value of now: bytes go with the value they were made of', async () => {
    await using started = await start()
    const { still, service } = started
    for (const result of [5, 6, 7]) {
      await still.transport.put(ETH, result)
      for (let time = 0; time < 2; time++) expect((await service.post(ETH)).json).toMatchObject({ result })
    }
    await still.local().set(keyOf('eth', 'usd'), { result: 8, data: {}, statusCode: 200 } as never, 1_000)
    expect((await service.post(ETH)).json).toMatchObject({ result: 8 })
  })

  it.each<[string, (local: LocalCache<AdapterResponse>) => unknown]>([
    ['the cache is cleared behind its back', (local) => local.cache.clear()],
    ['the entry is deleted', (local) => local.delete(keyOf('eth', 'usd'))],
    ['the entry is deleted from the map', (local) => local.cache.delete(keyOf('eth', 'usd'))],
    ['the entry has expired', () => vi.setSystemTime(START + 90_000)],
    ['the entry is told to expire', (local) => local.setTTL(keyOf('eth', 'usd'), 0)],
  ])('misses when %s', async (_name, lose) => {
    await using started = await start()
    const { still, service } = started
    for (let time = 0; time < 2; time++) expect((await service.post(ETH)).statusCode).toBe(200)
    await lose(still.local())
    for (let time = 0; time < 2; time++) expect((await service.post(ETH)).statusCode).toBe(504)
    await still.transport.put(ETH, 6)
    expect((await service.post(ETH)).json).toMatchObject({ result: 6 })
  })

  it('is not remembered when it was invalid', async () => {
    await using started = await start()
    const { still, service } = started
    const validations = countValidations(still)
    for (let time = 0; time < 3; time++) expect((await service.post({ base: 5 })).statusCode).toBe(400)
    expect(validations).toHaveBeenCalledTimes(3)
  })

  it('is prepared anew when it is very long', async () => {
    await using started = await start()
    const { still, service } = started
    const validations = countValidations(still)
    for (let time = 0; time < 2; time++)
      expect((await service.post({ ...ETH, more: 'x'.repeat(9_000) })).statusCode).toBe(200)
    expect(validations).toHaveBeenCalledTimes(2)
  })
})

describe('a plan ends', () => {
  /** Asks twice so that there is a plan, changes something, and asks again. */
  const after = async (
    change: (still: StillAdapter) => unknown,
    of: Parameters<typeof stillAdapter>[0] = {},
  ) => {
    await using started = await start(of)
    const { still, service } = started
    for (let time = 0; time < 2; time++) expect((await service.post(ETH)).json).toMatchObject({ result: 5 })
    await change(still)
    const first = await service.post(ETH)
    const second = await service.post(ETH)
    expect([second.statusCode, second.text]).toEqual([first.statusCode, first.text])
    return first
  }

  it('with the parameters of its endpoint', async () => {
    const inputParameters = new InputParameters({ base: { type: 'number', description: 'b' } })
    const reply = await after(({ endpoint }) => void (endpoint.inputParameters = inputParameters as never))
    expect(reply.statusCode).toBe(400)
  })

  it.each([{ MAX_COMMON_KEY_SIZE: 10 }, { CACHE_PREFIX: 'other' }])(
    'with the settings of its key: %o',
    async (settings) => {
      expect((await after(({ adapter }) => Object.assign(adapter.settings, settings))).statusCode).toBe(504)
    },
  )

  it('with FEED_ID_JSON, where the key is a hash', async () => {
    const reply = await after(async ({ adapter, transport }) => {
      adapter.settings.MAX_COMMON_KEY_SIZE = 10
      await transport.put(ETH, 6)
      adapter.settings.FEED_ID_JSON = true
    })
    expect(reply.statusCode).toBe(504)
  })

  it('with DEFAULT_CACHE_KEY, where a request has no parameters', async () => {
    await using started = await start({
      endpoint: { inputParameters: new InputParameters({}) as never },
    })
    const { still, service } = started
    await still.transport.put({} as never, 5)
    for (let time = 0; time < 2; time++) expect((await service.post()).statusCode).toBe(200)
    still.adapter.settings.DEFAULT_CACHE_KEY = 'OTHER'
    expect((await service.post()).statusCode).toBe(504)
  })

  it('with the overrides of its endpoint', async () => {
    expect((await after(({ endpoint }) => void (endpoint.overrides = { ETH: 'BTC' }))).statusCode).toBe(504)
  })

  it('when its endpoint gets a transform', async () => {
    const transform = (req: AdapterRequest<{ base: string }>) => void (req.requestContext.data.base = 'BTC')
    expect((await after(({ endpoint }) => endpoint.requestTransforms.push(transform))).statusCode).toBe(504)
  })

  it('when its endpoint gets a validation', async () => {
    const error = new AdapterInputError({ statusCode: 400 })
    const input = await after(({ endpoint }) => void (endpoint.customInputValidation = () => error))
    expect(input.statusCode).toBe(400)
    const output = await after(({ endpoint }) => {
      endpoint.customOutputValidation = () => {
        throw new AdapterError({ statusCode: 507 })
      }
    })
    expect(output.statusCode).toBe(507)
  })

  it('when somebody takes over the handling of requests', async () => {
    const reply = await after(({ adapter }) => {
      adapter.handleRequest = () => Promise.resolve({ result: 77, statusCode: 200 } as never)
    })
    expect(reply.json).toMatchObject({ result: 77 })
  })

  it('when its feed was forgotten, so that hits are counted where they are published', async () => {
    await using started = await start()
    const { still, service } = started
    for (let time = 0; time < 2; time++) await service.post(ETH)
    still.adapter.settings.MAX_COMMON_KEY_SIZE = 10
    await service.post(BTC)
    still.adapter.settings.MAX_COMMON_KEY_SIZE = 300
    for (let time = 0; time < 3; time++) expect((await service.post(ETH)).statusCode).toBe(200)
    expect(still.endpoint.responseCache?.feed('default_single_transport', ETH)).toMatchObject({
      hits: 3,
      gets: 3,
    })
  })
})
