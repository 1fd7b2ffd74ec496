import { validateLwbaResponse } from '@chainlink/external-adapter-framework/adapter'
import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'
import nock from 'nock'

describe('liquidity-weighted bid and ask', () => {
  let testAdapter: TestAdapter
  let oldEnv: NodeJS.ProcessEnv
  let spy: jest.SpyInstance

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    spy = jest.spyOn(Date, 'now').mockReturnValue(new Date('2023-03-03T03:03:03.333Z').getTime())
    nock('https://rest.lwba.example')
      .persist()
      .get('/books')
      .reply(200, {
        ETH: { bid: 1999, mid: 2000, ask: 2001 },
        LOW: { bid: 10, mid: 9, ask: 11 },
        HIGH: { bid: 10, mid: 12, ask: 11 },
        HALF: { bid: 10, ask: 11 },
        FLAT: { bid: 5, mid: 5, ask: 5 },
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

  it.each(['book', 'depth', 'crypto-lwba', 'cryptolwba', 'crypto_lwba'])(
    'answers as %s',
    async (endpoint) => {
      const response = await testAdapter.request({ endpoint, base: 'ETH', quote: 'USD' })
      expect(response.statusCode).toBe(200)
      expect(response.json()).toMatchSnapshot()
    },
  )

  it.each(['LOW', 'HIGH', 'HALF', 'NONE'])(
    'answers with an error for %s, first or from the cache',
    async (base) => {
      for (let time = 0; time < 2; time++) {
        const response = await testAdapter.request({ endpoint: 'book', base, quote: 'USD' })
        expect(response.statusCode).toBe(502)
        expect(response.json()).toMatchSnapshot(`${base} refused`)
      }
    },
  )

  it('serves a spread of nothing', async () => {
    const response = await testAdapter.request({ endpoint: 'book', base: 'FLAT', quote: 'USD' })
    expect(response.statusCode).toBe(200)
    expect(response.json().data).toEqual({ bid: 5, mid: 5, ask: 5 })
  })

  it('has the rule as a function', () => {
    expect(validateLwbaResponse(1, 2, 3)).toBe('')
    expect(validateLwbaResponse(1, undefined, 3)).toMatchSnapshot()
    expect(validateLwbaResponse(2, 1, 3)).toMatchSnapshot()
  })
})
