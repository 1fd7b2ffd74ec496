import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'
import nock from 'nock'

describe('a transport that fetches and writes by itself', () => {
  let testAdapter: TestAdapter
  let oldEnv: NodeJS.ProcessEnv
  let spy: jest.SpyInstance

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.BACKGROUND_EXECUTE_MS = '0'
    process.env.RETRY = '0'
    spy = jest.spyOn(Date, 'now').mockReturnValue(new Date('2023-03-03T03:03:03.333Z').getTime())
    nock('https://rest.subscription.example')
      .persist()
      .get('/balances/a')
      .query({ confirmations: 6 })
      .reply(200, { balance: 1 })
      .get('/balances/b')
      .query({ confirmations: 6 })
      .reply(200, { balance: 2.5 })
      .get('/balances/c')
      .query(true)
      .reply(200, { balance: 3 })
      .get('/balances/broken')
      .query(true)
      .reply(503, 'no')
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

  const addresses = (...of: string[]) => of.map((address) => ({ address }))

  it('answers', async () => {
    const response = await testAdapter.request({ addresses: addresses('a', 'b', 'c') })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchSnapshot()
  })

  it('answers with an error of its own making', async () => {
    const response = await testAdapter.request({ addresses: addresses('a'), confirmations: -1 })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchSnapshot()
  })

  it("answers with the requester's error", async () => {
    const response = await testAdapter.request({ addresses: addresses('broken') })
    expect(response.statusCode).toBe(502)
    expect(response.json()).toMatchSnapshot()
  })

  it('accepts an empty list, and refuses what is none', async () => {
    const empty = await testAdapter.request({ addresses: [] })
    expect(empty.statusCode).toBe(200)
    expect(empty.json().data).toEqual({ result: [] })
    const none = await testAdapter.request({ addresses: 'a' })
    expect(none.statusCode).toBe(400)
    expect(none.json()).toMatchSnapshot()
    const inner = await testAdapter.request({ addresses: [{ name: 'a' }] })
    expect(inner.json()).toMatchSnapshot()
  })
})
