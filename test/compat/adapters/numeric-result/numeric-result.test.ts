import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'
import nock from 'nock'

describe('an endpoint with a numeric result', () => {
  let testAdapter: TestAdapter
  let oldEnv: NodeJS.ProcessEnv
  let spy: jest.SpyInstance
  const levels: Record<string, unknown> = { up: 5, zero: 0, none: null, text: '7', nan: 'NaN', flag: true }

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    spy = jest.spyOn(Date, 'now').mockReturnValue(new Date('2023-03-03T03:03:03.333Z').getTime())
    nock('https://rest.numeric.example')
      .persist()
      .get('/indexes')
      .reply(200, () => levels)
    testAdapter = await TestAdapter.startWithMockedCache((await import('./adapter')).adapter, {})
  })

  afterAll(async () => {
    setEnvVariables(oldEnv)
    await testAdapter.api.close()
    nock.restore()
    nock.cleanAll()
    spy.mockRestore()
  })

  const ask = async (endpoint: string, index: string) => {
    const response = await testAdapter.request({ endpoint, index })
    const { result, errorMessage, timestamps } = response.json()
    expect(timestamps.providerDataReceivedUnixMs).toBe(1677812583333)
    return [response.statusCode, result ?? errorMessage]
  }

  it('serves numbers, zero among them', async () => {
    expect(await ask('level', 'up')).toEqual([200, 5])
    expect(await ask('level', 'zero')).toEqual([200, 0])
  })

  it.each(['none', 'text', 'nan', 'flag'])('answers with an error for what is none: %s', async (index) => {
    expect(await ask('level', index)).toEqual([502, `Invalid numeric result: ${levels[index]}`])
  })

  it('does not accept zero where the endpoint says so', async () => {
    const { strict } = await import('./adapter')
    expect(strict.acceptZeroValue).toBe(false)
    expect(await ask('strict', 'zero')).toEqual([502, 'Invalid numeric result: 0'])
    expect(await ask('strict', 'up')).toEqual([200, 5])
  })

  it('goes on serving a good value after a bad one', async () => {
    expect(await ask('level', 'up')).toEqual([200, 5])
    const seen = testAdapter.mockCache!.waitForNextSet()
    levels.up = null
    await seen
    expect(await ask('level', 'up')).toEqual([200, 5])
  })

  it('has its checks as a function for parsing, too', async () => {
    expect(await ask('checked', 'text')).toEqual([200, 7])
    expect(await ask('checked', 'zero')).toEqual([502, 'No level for zero'])
    expect(await ask('checked', 'flag')).toEqual([502, 'No level for flag'])
  })
})
