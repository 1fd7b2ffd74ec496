import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'
import nock from 'nock'

describe('without retries', () => {
  let testAdapter: TestAdapter & { mockCache: { waitForNextSet: () => Promise<unknown> } }
  let oldEnv: NodeJS.ProcessEnv

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.API_KEY = 'key-of-the-test'
    process.env.CACHE_POLLING_MAX_RETRIES = '0'
    process.env.BACKGROUND_EXECUTE_MS_HTTP = '1'
    nock('https://prices.batch.example')
      .persist()
      .get('/v1/prices')
      .query(true)
      .reply(200, { prices: [{ symbol: 'ETH', currency: 'USD', price: 12 }] })
    const adapter = (await import('./adapter')).adapter
    adapter.rateLimiting = undefined
    testAdapter = await TestAdapter.startWithMockedCache(adapter, {
      testAdapter: {} as TestAdapter<never>,
    })
  })

  afterAll(async () => {
    setEnvVariables(oldEnv)
    await testAdapter.api.close()
    nock.restore()
    nock.cleanAll()
  })

  it('answers a miss at once with 504, and from the cache afterwards', async () => {
    const next = testAdapter.mockCache.waitForNextSet()
    const missed = await testAdapter.request({ base: 'ETH' })
    expect(missed.statusCode).toBe(504)
    expect(missed.json()).toMatchSnapshot()
    expect(await next).toMatchObject({ result: 12, statusCode: 200 })
    const response = await testAdapter.request({ base: 'ETH' })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ result: 12, data: { result: 12 } })
  })

  it('misses again after the cache was cleared or the key deleted behind its back', async () => {
    const cache = testAdapter.mockCache!
    await cache.waitForNextSet()
    expect([...cache.cache.keys()]).toEqual([
      'HTTP_BATCH-price-default_single_transport-{"base":"eth","quote":"usd"}',
    ])
    cache.cache.clear()
    expect(cache.cache.size).toBe(0)
    expect((await testAdapter.request({ base: 'ETH' })).statusCode).toBe(504)
    await cache.waitForNextSet()
    await cache.delete([...cache.cache.keys()][0])
    expect((await testAdapter.request({ base: 'ETH' })).statusCode).toBe(504)
  })
})
