import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'
import nock from 'nock'

describe('a transport that answers by itself', () => {
  let testAdapter: TestAdapter
  let oldEnv: NodeJS.ProcessEnv
  let spy: jest.SpyInstance
  let calls = 0

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.RPC_URL = 'https://node.foreground.example'
    process.env.BASE_RPC_URL = 'https://base.foreground.example'
    process.env.MODE = 'double'
    process.env.RETRY = '0'
    process.env.CACHE_POLLING_MAX_RETRIES = '1'
    process.env.CACHE_POLLING_SLEEP_MS = '10'
    spy = jest.spyOn(Date, 'now').mockReturnValue(new Date('2022-01-01T11:11:11.111Z').getTime())
    nock('https://node.foreground.example')
      .persist()
      .post('/call/0xA', { method: 'value' })
      .reply(200, () => {
        calls += 1
        return { value: 21, block: 7 }
      })
      .post('/call/negative')
      .reply(200, { value: -1, block: 7 })
      .post('/call/gone')
      .reply(410, { reason: 'moved' })
      .post('/call/talkative')
      .reply(410, { reason: 'moved to https://node.foreground.example/new' })
    nock('https://base.foreground.example').persist().post('/call/0xA').reply(200, { value: 1, block: 8 })
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

  it('was booted with its settings', async () => {
    expect((await import('./adapter')).booted).toEqual(['FOREGROUND double'])
  })

  it('answers, and then from the cache', async () => {
    const first = await testAdapter.request({ address: '0xA' })
    expect(first.statusCode).toBe(200)
    expect(first.json()).toMatchSnapshot()
    const second = await testAdapter.request({ contract: '0xa' })
    expect(second.json()).toEqual(first.json())
    expect(calls).toBe(1)
  })

  it('answers anew what it does not cache', async () => {
    const before = calls
    for (let i = 0; i < 2; i++) await testAdapter.request({ contract: '0xA', nocache: true })
    expect(calls).toBe(before + 2)
  })

  it('uses the setting of a network', async () => {
    const base = await testAdapter.request({ contract: '0xA', network: 'base' })
    expect(base.json()).toMatchObject({ result: 2, data: { block: 8 } })
    const none = await testAdapter.request({ contract: '0xA', network: 'moon' })
    expect(none.statusCode).toBe(400)
    expect(none.json()).toMatchSnapshot()
  })

  it('registers every request', async () => {
    const { transport } = await import('./adapter')
    expect(transport.registered).toEqual(['0xA', '0xa', '0xA', '0xA', '0xA', '0xA'])
  })

  it('answers with what the transport throws', async () => {
    const negative = await testAdapter.request({ contract: 'negative' })
    expect(negative.statusCode).toBe(502)
    expect(negative.json()).toMatchSnapshot()
    const broken = await testAdapter.request({ contract: 'broken' })
    expect(broken.statusCode).toBe(500)
    expect(broken.body).toBe('the transport is broken')
  })

  it('answers with what the provider refuses', async () => {
    const response = await testAdapter.request({ contract: 'gone' })
    expect(response.statusCode).toBe(502)
    expect(response.json()).toMatchSnapshot()
  })

  it('keeps a URL to itself that the provider repeats', async () => {
    const response = await testAdapter.request({ contract: 'talkative' })
    expect(response.statusCode).toBe(502)
    expect(response.body).not.toContain('node.foreground.example')
  })

  it('waits where the transport has no answer, then gives up', async () => {
    const response = await testAdapter.request({ contract: 'later' })
    expect(response.statusCode).toBe(504)
  })

  it('looks keys of its own up', async () => {
    await testAdapter.mockCache!.set('default_single_transport-mine', { result: 5, statusCode: 200 }, 10_000)
    const response = await testAdapter.request({ endpoint: 'keyed', contract: 'mine' })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({ result: 5, statusCode: 200 })
  })

  it('refuses settings that make no sense', async () => {
    jest.resetModules()
    process.env.RPC_URL = 'not a URL'
    const { TestAdapter: Fresh } = await import('@chainlink/external-adapter-framework/util/testing-utils')
    const { adapter } = await import('./adapter')
    await expect(Fresh.start(adapter, { testAdapter: {} as never })).rejects.toThrow(
      /Validation failed for the following variables:\n[^]*RPC_URL: Value must be /,
    )
  })
})
