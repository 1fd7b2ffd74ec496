import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'
import { PoRAdapter } from '@chainlink/external-adapter-framework/adapter/por'
import nock from 'nock'

describe('proof of reserves', () => {
  let testAdapter: TestAdapter
  let oldEnv: NodeJS.ProcessEnv
  let spy: jest.SpyInstance

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    spy = jest.spyOn(Date, 'now').mockReturnValue(new Date('2023-03-03T03:03:03.333Z').getTime())
    nock('https://rest.por.example')
      .persist()
      .get('/custody')
      .reply(200, {
        wallets: [
          { chain: 'bitcoin', address: 'bc1qexample' },
          { chain: 'ethereum', address: '0x00' },
          { chain: 'bitcoin', address: '3Example' },
        ],
      })
      .get('/reserves')
      .reply(200, { total: '123456.75', ripcord: false })
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

  it('lists addresses', async () => {
    const response = await testAdapter.request({ endpoint: 'wallets', network: 'bitcoin' })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchSnapshot()
  })

  it('says when there are none', async () => {
    const response = await testAdapter.request({ endpoint: 'address', network: 'dogecoin' })
    expect(response.statusCode).toBe(502)
    expect(response.json()).toMatchSnapshot()
  })

  it('answers an endpoint without parameters', async () => {
    const response = await testAdapter.request({ endpoint: 'reserves', ignored: 1 })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchSnapshot()
    expect([...testAdapter.mockCache!.cache.keys()]).toContain(
      'POR_ADDRESSES-reserves-default_single_transport-DEFAULT_CACHE_KEY',
    )
  })

  it('has the slower defaults, and keeps those that the adapter has set', () => {
    expect(testAdapter.adapter.config.settings).toMatchObject({
      BACKGROUND_EXECUTE_TIMEOUT: 180_000,
      API_TIMEOUT: 60_000,
      CACHE_MAX_AGE: 120_000,
    })
  })

  it('wants at least one endpoint of its kinds', () => {
    expect(() => new PoRAdapter({ name: 'NONE', endpoints: [] })).toThrow(
      "This PoRAdapter's list of endpoints does not contain a valid PoR endpoint",
    )
  })
})
