import { WebSocketClassProvider } from '@chainlink/external-adapter-framework/transports'
import {
  MockWebsocketServer,
  mockWebSocketProvider,
  setEnvVariables,
  TestAdapter,
} from '@chainlink/external-adapter-framework/util/testing-utils'
import nock from 'nock'

describe.each([
  ['on', 'true'],
  ['off', 'false'],
])('routes with streams %s', (_, enabled) => {
  const url = `wss://stream.routes.example/${enabled}`
  let testAdapter: TestAdapter
  let server: MockWebsocketServer
  let oldEnv: NodeJS.ProcessEnv

  beforeAll(async () => {
    jest.resetModules()
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.WS_ENABLED = enabled
    process.env.WS_API_ENDPOINT = url
    process.env.BACKGROUND_EXECUTE_MS_HTTP = '1'
    process.env.BACKGROUND_EXECUTE_MS_WS = '10'
    const transports = await import('@chainlink/external-adapter-framework/transports')
    mockWebSocketProvider(transports.WebSocketClassProvider as unknown as typeof WebSocketClassProvider)
    server = new MockWebsocketServer(url, { mock: false })
    server.on('connection', (socket) => {
      socket.on('message', (text) => {
        const { subscribe } = JSON.parse(String(text))
        if (subscribe !== undefined) socket.send(JSON.stringify({ ...subscribe, last: 100 }))
      })
    })
    nock('https://rest.routes.example')
      .persist()
      .get('/quotes/ACME')
      .query(true)
      .reply(200, (uri) => ({ last: uri.includes('dark') ? 3 : 2 }))
    const utils = await import('@chainlink/external-adapter-framework/util/testing-utils')
    testAdapter = await utils.TestAdapter.startWithMockedCache((await import('./adapter')).adapter, {
      testAdapter: {} as TestAdapter<never>,
    })
  })

  afterAll(async () => {
    setEnvVariables(oldEnv)
    await testAdapter.api.close()
    server.close()
    nock.cleanAll()
  })

  it('goes where the router says, else where the default is', async () => {
    const response = await testAdapter.request({ endpoint: 'quote', symbol: 'ACME' })
    expect(response.statusCode).toBe(200)
    expect(response.json().result).toBe(enabled === 'true' ? 100 : 2)
  })

  it('lets the router look at the request', async () => {
    const response = await testAdapter.request({ endpoint: 'stock', symbol: 'ACME', venue: 'dark' })
    expect(response.json().result).toBe(3)
  })

  it('goes where the request says, where the router has no opinion', async () => {
    const response = await testAdapter.request({ endpoint: 'quote', symbol: 'ACME', transport: 'ws' })
    expect(response.json().result).toBe(100)
  })

  it('keeps the routes apart in the cache', () => {
    const keys = [...testAdapter.mockCache!.cache.keys()].sort()
    expect(keys).toEqual(
      [
        'ROUTES-quote-rest-{"symbol":"acme","venue":"dark"}',
        ...(enabled === 'true' ? [] : ['ROUTES-quote-rest-{"symbol":"acme","venue":"lit"}']),
        'ROUTES-quote-ws-{"symbol":"acme","venue":"lit"}',
      ].sort(),
    )
  })

  it('refuses what it cannot route or validate', async () => {
    const nowhere = await testAdapter.request({ endpoint: 'quote', symbol: 'ACME', transport: 'pigeon' })
    if (enabled === 'false') {
      expect(nowhere.statusCode).toBe(400)
      expect(nowhere.json()).toMatchObject({
        status: 'errored',
        error: { message: 'No transport found for key "pigeon", must be one of ["ws","rest"]' },
      })
    } else expect(nowhere.statusCode).toBe(200)
    const long = await testAdapter.request({ endpoint: 'quote', symbol: 'ABCDEFGHI' })
    expect(long.statusCode).toBe(400)
    expect(long.json()).toMatchSnapshot()
    const noEndpoint = await testAdapter.request({ symbol: 'ACME' })
    expect(noEndpoint.statusCode).toBe(400)
    expect(noEndpoint.json()).toMatchSnapshot()
    const option = await testAdapter.request({ endpoint: 'quote', symbol: 'ACME', venue: 'grey' })
    expect(option.json()).toMatchSnapshot()
  })
})
