import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AdapterResponse } from '../../src/feeds/responses'
import { serve } from '../../src/testing/serve'
import { InputParameters } from '../../src/validation/input-parameters'
import { priceParameters, stillAdapter } from '../http/support'
const ETH = { base: 'ETH', quote: 'USD' }
const env = { CACHE_POLLING_MAX_RETRIES: '0' }
afterEach(() => void vi.restoreAllMocks())

describe('symbol overrides', () => {
  /** The base that a request ends up with: every base has its own value, the place in this list. */
  const SYMBOLS = ['A', 'B', 'C', 'a', '__proto__', 'constructor']
  const baseOf = async (data: object, overrides?: Record<string, string>, name = 'MY-ADAPTER') => {
    const still = stillAdapter({ endpoint: { overrides }, adapter: { name: name as 'X' } })
    const bases: string[] = []
    still.endpoint.requestTransforms.push((req) => void bases.push(req.requestContext.data.base))
    await using service = await serve(still.adapter, { env })
    await service.post({ quote: 'USD', ...data })
    return bases[0]
  }

  it.each(['my-adapter', 'MY-ADAPTER', 'my_adapter', 'MY_ADAPTER'])(
    'apply under the name %s',
    async (name) => {
      expect(await baseOf({ base: 'A', overrides: { [name]: { A: 'B' } } })).toBe('B')
    },
  )

  it('do not apply under the name of another adapter', async () => {
    expect(await baseOf({ base: 'A', overrides: { other: { A: 'B' } } })).toBe('A')
  })

  it('of the request come before those of the endpoint, and neither is chained', async () => {
    const own = { A: 'C', B: 'C', C: 'A' }
    expect(await baseOf({ base: 'A', overrides: { 'my-adapter': { A: 'B', B: 'A' } } }, own)).toBe('B')
    expect(await baseOf({ base: 'A', overrides: { 'my-adapter': { B: 'A' } } }, own)).toBe('C')
    expect(await baseOf({ base: 'C' }, own)).toBe('A')
  })

  it('are looked up by the very letters', async () => {
    expect(await baseOf({ base: 'a', overrides: { 'my-adapter': { A: 'B' } } }, { A: 'C' })).toBe('a')
  })

  it('IS-3: do not find members that every object has', async () => {
    for (const base of SYMBOLS.slice(4))
      expect(await baseOf({ base, overrides: { 'my-adapter': {} } }, {})).toBe(base)
  })

  it('apply under the name that a request overrides the adapter with, else under its own', async () => {
    const adapterNameOverride = { type: 'string', description: 'n' } as const
    const { definition } = priceParameters()
    const inputParameters = new InputParameters({ ...definition, adapterNameOverride }) as never
    const still = stillAdapter({ endpoint: { inputParameters }, adapter: { name: 'MY-ADAPTER' } })
    await using service = await serve(still.adapter, { env })
    const params = (base: string) => ({ base, quote: 'USD', adapterNameOverride: 'Other-One' })
    await still.transport.put(params('X'), 1)
    await still.transport.put(params('Y'), 2)
    const ask = async (overrides: object) =>
      (await service.post({ ...params('A'), overrides })).json as AdapterResponse
    const both = { 'my-adapter': { A: 'Y' }, OTHER_ONE: { A: 'X' } }
    for (let time = 0; time < 2; time++) {
      expect(await ask(both)).toMatchObject({ result: 1, meta: { adapterName: 'OTHER-ONE' } })
      expect(await ask({ 'my-adapter': { A: 'Y' } })).toMatchObject({ result: 2 })
    }
  })

  it('ID-4: name the feed of the symbol that they lead to', async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, { env })
    await still.transport.put(ETH, 5)
    for (let time = 0; time < 2; time++) {
      const { json } = await service.post({
        base: 'ether',
        quote: 'USD',
        overrides: { test: { ether: 'ETH' } },
      })
      expect(json).toMatchObject({ result: 5 })
    }
    expect(await still.transport.wanted()).toEqual([ETH])
  })
})
