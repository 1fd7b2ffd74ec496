import { describe, expect, it } from 'vitest'
import { serve, type Served } from '../../src/testing/serve'
import { TestAdapter } from '../../src/testing/test-adapter'
import { PATIENT } from '../helpers/eventually'
import { httpAdapter, httpProvider, oneByOne } from '../transports/http/support'

const CAPACITY = 1_000
const NO_VALUE_YET =
  'The EA has not received any values from the Data Provider for the requested data yet. Retry after a short delay, and if the problem persists raise this issue in the relevant channels.'
const env = { ...PATIENT, SUBSCRIPTION_SET_MAX_ITEMS: String(CAPACITY), RATE_LIMIT_CAPACITY_SECOND: '20' }

type Sets = {
  subscriptionSet: { add(v: unknown, ttl: number, key: string): void; delete(key: string): void }
}
const setOf = (adapter: Served['adapter']) =>
  (adapter.endpoints[0]!.transportRoutes.entries()[0]![1] as unknown as Sets).subscriptionSet

/** As many feeds as there is room for, but one. */
const fill = (adapter: Served['adapter']) => {
  const set = setOf(adapter)
  for (let i = 1; i < CAPACITY; i++) set.add({ base: 'KNOWN' }, 3_600_000, `known ${i}`)
}

describe('a full subscription registry', () => {
  it(
    'refuses a new feed at once and says why, while the feeds in it go on',
    { timeout: 15_000 },
    async () => {
      await using provider = await httpProvider((_, n) => ({ body: { price: n } }))
      await using service = await serve(() => httpAdapter(oneByOne(provider.url)), { env })
      fill(service.adapter)
      expect((await service.post({ base: 'IN' })).statusCode).toBe(200)
      // A client that waits would wait for longer than the test may last.
      const refused = await service.post({ base: 'OUT' })
      expect(refused).toMatchObject({
        statusCode: 504,
        json: {
          statusCode: 504,
          error: {
            message: NO_VALUE_YET,
            reason: {
              code: 'CAPACITY',
              message:
                '1000 feeds are wanted, and no more than 1000 may be (SUBSCRIPTION_SET_MAX_ITEMS): there is room when one is no longer asked for',
            },
          },
        },
      })
      const { result } = (await service.post({ base: 'IN' })).json as { result: number }
      await service.until({ base: 'IN' }, ({ json }) => json.result > result)
      expect(provider.asked.every(({ path }) => path !== '/OUT')).toBe(true)
      expect(await service.metric('subscriptions_refused_total', { adapter_endpoint: 'price' })).toBe(1)
    },
  )

  it('has room again when a feed is no longer wanted', { timeout: 15_000 }, async () => {
    await using provider = await httpProvider(() => ({ body: { price: 7 } }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), { env })
    fill(service.adapter)
    setOf(service.adapter).add({ base: 'KNOWN' }, -1, 'over')
    expect((await service.post({ base: 'NEW' })).json).toMatchObject({ result: 7 })
    expect((await service.post({ base: 'OUT' })).statusCode).toBe(504)
    setOf(service.adapter).delete('known 1')
    expect((await service.post({ base: 'OUT' })).json).toMatchObject({ result: 7 })
  })

  it('keeps a feed out whose last value a client still gets, and nobody else with it', async () => {
    await using provider = await httpProvider((_, n) => ({ body: { price: n } }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), { env })
    await service.post({ base: 'GONE' })
    const set = setOf(service.adapter)
    for (const key of [...(set as unknown as { items: Map<string, unknown> }).items.keys()]) set.delete(key)
    fill(service.adapter)
    set.add({ base: 'KNOWN' }, 3_600_000, 'last')
    const refusals = await service.metric('subscriptions_refused_total', { adapter_endpoint: 'price' })
    for (let i = 0; i < 5; i++) expect((await service.post({ base: 'GONE' })).statusCode).toBe(200)
    expect((set as unknown as { has(key: string): boolean }).has('known 1')).toBe(true)
    expect(
      await service.metric('subscriptions_refused_total', { adapter_endpoint: 'price' }),
    ).toBeGreaterThan(refusals ?? 0)
  })

  it("has the contract's body under its harness", async () => {
    await using provider = await httpProvider(() => ({ body: { price: 7 } }))
    process.env['SUBSCRIPTION_SET_MAX_ITEMS'] = String(CAPACITY)
    try {
      const adapter = httpAdapter(oneByOne(provider.url))
      const started = await TestAdapter.start(adapter, {})
      fill(adapter)
      setOf(adapter).add({ base: 'KNOWN' }, 3_600_000, 'last')
      const { statusCode, json } = await started.request({ base: 'OUT' })
      expect(statusCode).toBe(504)
      expect(json()).toEqual({
        statusCode: 504,
        status: 'errored',
        error: { name: 'AdapterError', message: NO_VALUE_YET },
      })
      await started.api.close()
    } finally {
      delete process.env['SUBSCRIPTION_SET_MAX_ITEMS']
    }
  })
})
