import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { Adapter } from '../../src/adapter/adapter'
import { type AnyRequest } from '../../src/adapter/params'
import { AnswerForm } from '../../src/feeds/answer-form'
import { type AdapterResponse } from '../../src/feeds/responses'
import { serve } from '../../src/testing/serve'
import { memberOf } from '../../src/util/objects'
import { type PriceTypes, priceParameters, StillTransport, stoppable } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const EXACT = { ...ETH, exact: true }

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: 1_700_000_000_000 }))
afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
})

const withText = (response: Readonly<AdapterResponse>) => ({
  ...response,
  resultText: `exactly ${String(response.result)}`,
})

/** With a second form that there is nowhere else: for those whose data have `exact`. */
class TwoFormsEndpoint extends AdapterEndpoint<PriceTypes> {
  readonly shape = vi.fn(withText)
  private readonly exact = new AnswerForm((response) => this.shape(response))

  override formOf({ body }: AnyRequest): AnswerForm | undefined {
    return memberOf(memberOf(body, 'data'), 'exact') === true ? this.exact : undefined
  }
}

const start = async (env: Record<string, string> = {}) => {
  const transport = new StillTransport()
  const endpoint = new TwoFormsEndpoint({ name: 'price', inputParameters: priceParameters(), transport })
  const adapter = new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
  const service = await serve(adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0', ...env } })
  return stoppable({ endpoint, transport, service })
}

describe.each([
  ['with the lane in front of the parser', {}],
  ['without it', { FAST_LANE_ENABLED: 'false' }],
])('an answer in a second form, %s', (_name, env) => {
  it('is asked for by its request alone, each time, and others get the usual one of the same value', async () => {
    await using started = await start(env)
    const { transport, service } = started
    for (const result of [5, 6]) {
      await transport.put(ETH, result)
      for (let time = 0; time < 4; time++) {
        const [usual, exact] = [await service.post(ETH), await service.post(EXACT)]
        expect(usual.json).toMatchObject({ result, statusCode: 200 })
        expect(usual.json).not.toHaveProperty('resultText')
        expect(exact.json).toEqual({ ...(usual.json as object), resultText: `exactly ${result}` })
      }
    }
  })

  it('is written once for each value, by the first who asks for it in this form', async () => {
    await using started = await start(env)
    const { endpoint, transport, service } = started
    await transport.put(ETH, 5)
    for (let time = 0; time < 3; time++) await service.post(ETH)
    expect(endpoint.shape).not.toHaveBeenCalled()
    // The first one of all is prepared, and its answer is not kept.
    await service.post(EXACT)
    endpoint.shape.mockClear()
    for (let time = 0; time < 3; time++) await service.post(EXACT)
    expect(endpoint.shape).toHaveBeenCalledTimes(1)
    await transport.put(ETH, 6)
    for (let time = 0; time < 3; time++) await service.post(EXACT)
    expect(endpoint.shape).toHaveBeenCalledTimes(2)
  })

  it('is not made of an error', async () => {
    await using started = await start(env)
    const { endpoint, transport, service } = started
    await transport.putError(ETH, 502, 'no price')
    for (let time = 0; time < 3; time++) {
      const [usual, exact] = [await service.post(ETH), await service.post(EXACT)]
      expect(exact).toMatchObject({ statusCode: 502, text: usual.text })
    }
    expect(endpoint.shape).not.toHaveBeenCalled()
  })
})
