import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'
import nock from 'nock'

const NOW = new Date('2024-05-10T16:09:27.193Z').getTime()

const mockPrices = (): nock.Scope =>
  nock('https://prices.batch.example', { reqheaders: { 'x-api-key': 'key-of-the-test' } })
    .persist()
    .get('/v1/prices')
    .query(({ quote }) => quote === 'USD')
    .reply(200, (uri) => {
      const symbols = (new URL(uri, 'https://prices.batch.example').searchParams.get('symbols') ?? '').split(
        ',',
      )
      const known: Record<string, number> = { ETH: 3012.55, BTC: 61234.1, LINK: 13.7 }
      const prices = symbols.map((symbol) =>
        symbol in known
          ? { symbol, currency: 'USD', price: known[symbol], updated: NOW - 4_000 }
          : { symbol, currency: 'USD', problem: `${symbol} is not listed` },
      )
      return { prices }
    })
    .get('/v1/prices')
    .query(({ quote }) => quote === 'XXX')
    .reply(400, { message: 'unknown currency' })

describe('HTTP batches under a frozen clock', () => {
  let spy: jest.SpyInstance
  let testAdapter: TestAdapter
  let oldEnv: NodeJS.ProcessEnv

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.API_KEY = 'key-of-the-test'
    process.env.RETRY = '0'
    spy = jest.spyOn(Date, 'now').mockReturnValue(NOW)
    mockPrices()
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
    spy.mockRestore()
  })

  it('answers the first request, once the batch has come', async () => {
    const response = await testAdapter.request({ base: 'ETH', quote: 'USD' })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchSnapshot()
  })

  it('answers several feeds of one batch', async () => {
    const responses = await Promise.all(
      ['BTC', 'link', 'ETH'].map((base) => testAdapter.request({ endpoint: 'crypto', from: base })),
    )
    expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200])
    expect(responses.map((response) => response.json())).toMatchSnapshot()
  })

  it('answers with the error of one element', async () => {
    const response = await testAdapter.request({ base: 'DOGE' })
    expect(response.statusCode).toBe(502)
    expect(response.json()).toMatchSnapshot()
  })

  it('answers with the error of the provider', async () => {
    const response = await testAdapter.request({ base: 'ETH', quote: 'XXX' })
    expect(response.statusCode).toBe(502)
    expect(response.json()).toMatchSnapshot()
  })

  it('refuses a request without what is required', async () => {
    const response = await testAdapter.request({ quote: 'USD' })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchSnapshot()
  })

  it('refuses a request of the wrong type, or for an unknown endpoint', async () => {
    const wrong = await testAdapter.request({ base: 5 })
    expect(wrong.statusCode).toBe(400)
    expect(wrong.json()).toMatchSnapshot()
    const unknown = await testAdapter.request({ endpoint: 'volume', base: 'ETH' })
    expect(unknown.statusCode).toBe(404)
    expect(unknown.json()).toMatchSnapshot()
  })

  it('is healthy', async () => {
    const response = await testAdapter.getHealth()
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ message: 'OK' })
  })
})
