import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'
import nock from 'nock'

describe('overrides and includes', () => {
  let testAdapter: TestAdapter
  let oldEnv: NodeJS.ProcessEnv
  let spy: jest.SpyInstance
  const quotes: Record<string, number> = {
    EURUSD: 1.25,
    BTCUSD: 30000,
    ETHUSD: 2000,
    HOGUSD: 4,
    XETHUSD: 2001,
  }

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.RATE_LIMIT_CAPACITY_SECOND = '500'
    spy = jest.spyOn(Date, 'now').mockReturnValue(new Date('2001-01-01T11:11:11.111Z').getTime())
    nock('https://rest.includes.example')
      .persist()
      .post('/pairs')
      .reply(200, (_uri, body) => {
        const { pairs } = body as { pairs: string[] }
        return Object.fromEntries(pairs.filter((pair) => pair in quotes).map((pair) => [pair, quotes[pair]]))
      })
    testAdapter = await TestAdapter.startWithMockedCache((await import('./adapter')).adapter, {
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

  it('answers a pair as it is', async () => {
    const response = await testAdapter.request({ base: 'BTC', quote: 'USD' })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchSnapshot()
  })

  it('inverts what is included inversely, and nothing else', async () => {
    const inverse = await testAdapter.request({ base: 'USD', quote: 'EUR' })
    expect(inverse.json()).toMatchSnapshot()
    const direct = await testAdapter.request({ from: 'EUR', to: 'USD' })
    expect(direct.json()).toMatchObject({ result: 1.25, data: { result: 1.25 } })
    const again = await testAdapter.request({ base: 'USD', quote: 'EUR' })
    expect(again.json()).toMatchObject({ result: 0.8, data: { result: 0.8 } })
  })

  it('answers an included pair with the one that stands for it', async () => {
    const response = await testAdapter.request({ base: 'WBTC', quote: 'USD' })
    expect(response.json()).toMatchObject({ result: 30000 })
    const other = await testAdapter.request({ base: 'wbtc', quote: 'USD' })
    expect(other.statusCode).toBe(502)
    expect(other.json()).toMatchObject({ errorMessage: 'not quoted', statusCode: 502 })
  })

  it('keeps includes to the endpoints that they name', async () => {
    const forex = await testAdapter.request({ endpoint: 'forex', base: 'PIG', quote: 'USD' })
    expect(forex.json()).toMatchObject({ result: 4 })
    const price = await testAdapter.request({ base: 'PIG', quote: 'USD' })
    expect(price.statusCode).toBe(500)
    expect(price.body).toBe('Endpoint price not supported for PIG/USD in includes.json')
  })

  it("prefers the request's overrides to the adapter's", async () => {
    const own = await testAdapter.request({ base: 'ETHEREUM', quote: 'USD' })
    expect(own.json()).toMatchObject({ result: 2000 })
    const theirs = await testAdapter.request({
      base: 'ETHEREUM',
      quote: 'USD',
      overrides: { 'price-includes': { ETHEREUM: 'XETH' }, other: { ETHEREUM: 'NOPE' } },
    })
    expect(theirs.json()).toMatchObject({ result: 2001 })
    const bad = await testAdapter.request({
      base: 'ETHEREUM',
      quote: 'USD',
      overrides: { price_includes: 'XETH' },
    })
    expect(bad.statusCode).toBe(400)
    expect(bad.json()).toMatchSnapshot()
  })
})
