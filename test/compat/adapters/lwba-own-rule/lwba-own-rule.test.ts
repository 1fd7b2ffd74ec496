import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'
import nock from 'nock'

describe('bid and ask with an output validation of the author', () => {
  let testAdapter: TestAdapter
  let oldEnv: NodeJS.ProcessEnv
  let spy: jest.SpyInstance
  let seen: unknown[]
  const books: Record<string, object> = {
    ETH: { bid: 1999, mid: 2000, ask: 2001 },
    WIDE: { bid: 1, mid: 2, ask: 3 },
    CROSSED: { bid: 3, mid: 2, ask: 1 },
  }

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    spy = jest.spyOn(Date, 'now').mockReturnValue(new Date('2023-03-03T03:03:03.333Z').getTime())
    nock('https://rest.own-rule.example')
      .persist()
      .get('/books')
      .reply(200, () => books)
    const module = await import('./adapter')
    seen = module.seen
    testAdapter = await TestAdapter.startWithMockedCache(module.adapter, {})
  })
  beforeEach(() => void seen.splice(0))

  afterAll(async () => {
    setEnvVariables(oldEnv)
    await testAdapter.api.close()
    nock.restore()
    nock.cleanAll()
    spy.mockRestore()
  })

  const ask = (base: string) => testAdapter.request({ endpoint: 'book', base, quote: 'USD' })

  it('is asked each time', async () => {
    for (let time = 1; time <= 3; time++) {
      const response = await ask('ETH')
      expect([response.statusCode, response.json().data]).toEqual([200, books.ETH])
      expect(seen).toHaveLength(time)
    }
  })

  it('refuses what it throws at', async () => {
    const response = await ask('WIDE')
    expect(response.statusCode).toBe(500)
    expect(response.json()).toEqual({
      status: 'errored',
      statusCode: 500,
      error: { name: 'AdapterLWBAError', message: 'The spread is too wide' },
    })
  })

  it('is not asked about what breaks the invariant', async () => {
    const response = await ask('CROSSED')
    expect(response.statusCode).toBe(502)
    expect(response.json().errorMessage).toBe(
      'Invariant violation. Mid price must be between bid and ask prices. Got: (bid: 3, mid: 2, ask: 1)',
    )
    expect(seen).toEqual([])
  })

  it('goes on with the last good quote', async () => {
    await ask('ETH')
    const good = books.ETH
    const next = testAdapter.mockCache!.waitForNextSet()
    books.ETH = books.CROSSED
    await next
    const response = await ask('ETH')
    expect([response.statusCode, response.json().data]).toEqual([200, good])
  })
})
