import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'

describe('an endpoint that validates its results', () => {
  let testAdapter: TestAdapter
  let oldEnv: NodeJS.ProcessEnv

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.CACHE_POLLING_MAX_RETRIES = '5'
    testAdapter = await TestAdapter.startWithMockedCache((await import('./adapter')).adapter, {})
  })

  afterAll(async () => {
    setEnvVariables(oldEnv)
    await testAdapter.api.close()
  })

  it('serves what passes', async () => {
    const response = await testAdapter.request({ level: 100 })
    expect([response.statusCode, response.json().result]).toEqual([200, 100])
  })

  it('serves the error that takes the place of a result, with its times', async () => {
    const response = await testAdapter.request({ level: 101 })
    expect(response.statusCode).toBe(502)
    expect(response.json()).toEqual({
      statusCode: 502,
      errorMessage: '101 is above 100',
      timestamps: { providerDataRequestedUnixMs: 1, providerDataReceivedUnixMs: 2 },
    })
  })

  it('loses the one result that its validator throws at', async () => {
    expect((await testAdapter.request({ level: -1 })).statusCode).toBe(504)
    expect((await testAdapter.request({ level: 7 })).json().result).toBe(7)
  })

  it('has the validator in its response cache, and a plain endpoint has none', async () => {
    const { transport, plainTransport } = await import('./adapter')
    expect(transport.responseCache.resultValidator).toBeInstanceOf(Function)
    expect(plainTransport.responseCache.resultValidator).toBeUndefined()
    expect((await testAdapter.request({ endpoint: 'plain', level: 101 })).json().result).toBe(101)
  })
})
