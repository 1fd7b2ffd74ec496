import { WebSocketClassProvider } from '@chainlink/external-adapter-framework/transports'
import {
  MockWebsocketServer,
  mockWebSocketProvider,
  runAllUntilTime,
  setEnvVariables,
  TestAdapter,
} from '@chainlink/external-adapter-framework/util/testing-utils'
import FakeTimers, { InstalledClock } from '@sinonjs/fake-timers'

const url = 'wss://stream.price.example/test'
const received: string[] = []

const mockServer = (): MockWebsocketServer => {
  const server = new MockWebsocketServer(url, { mock: false })
  server.on('connection', (socket) => {
    socket.send(JSON.stringify({ type: 'hello' }))
    socket.on('message', (text) => {
      received.push(String(text))
      const { op, pair } = JSON.parse(String(text)) as { op: string; pair: string }
      if (op !== 'add') return
      if (pair === 'DOGE/USD') {
        socket.send(JSON.stringify({ type: 'refusal', pair, reason: 'DOGE/USD is not listed' }))
        return
      }
      const mid = pair === 'ETH/USD' ? 1800.5 : 29000
      socket.send(
        JSON.stringify({ type: 'tick', pair, bid: mid - 1, ask: mid + 1, mid, time: 1652198967193 }),
      )
    })
  })
  return server
}

describe('a WebSocket adapter on a fake clock, with Date.now frozen', () => {
  let spy: jest.SpyInstance
  let server: MockWebsocketServer
  let testAdapter: TestAdapter
  let clock: InstalledClock
  let oldEnv: NodeJS.ProcessEnv
  const data = { base: 'ETH', quote: 'USD' }

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.WS_API_ENDPOINT = url
    process.env.WS_API_KEY = 'stream-key'
    spy = jest.spyOn(Date, 'now').mockReturnValue(new Date('2022-05-10T16:09:27.193Z').getTime())
    mockWebSocketProvider(WebSocketClassProvider)
    server = mockServer()
    const adapter = (await import('./adapter')).adapter
    clock = FakeTimers.install()
    testAdapter = await TestAdapter.startWithMockedCache(adapter, {
      clock,
      testAdapter: {} as TestAdapter<never>,
    })
    await testAdapter.request(data)
    await testAdapter.request({ base: 'BTC', quote: 'USD', endpoint: 'crypto' })
    await testAdapter.waitForCache(2)
  })

  afterAll(async () => {
    spy.mockRestore()
    setEnvVariables(oldEnv)
    server.close()
    clock.uninstall()
    await testAdapter.api.close()
  })

  it('has subscribed what was asked for', () => {
    expect(received.map((text) => JSON.parse(text))).toEqual([
      { op: 'add', pair: 'ETH/USD' },
      { op: 'add', pair: 'BTC/USD' },
    ])
  })

  it('answers from the cache', async () => {
    const response = await testAdapter.request(data)
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchSnapshot()
  })

  it('answers by alias, in whatever case', async () => {
    const response = await testAdapter.request({ endpoint: 'PRICE', from: 'btc', to: 'usd' })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchSnapshot()
  })

  it("answers with the provider's refusal", async () => {
    const refused = { base: 'DOGE', quote: 'USD' }
    await testAdapter.request(refused)
    await testAdapter.waitForCache(3)
    const response = await testAdapter.request(refused)
    expect(response.statusCode).toBe(502)
    expect(response.json()).toMatchSnapshot()
  })

  it('refuses an empty base', async () => {
    const response = await testAdapter.request({ quote: 'USD' })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchSnapshot()
  })
})

describe('a WebSocket adapter on a fake clock that moves', () => {
  let server: MockWebsocketServer
  let testAdapter: TestAdapter
  let clock: InstalledClock
  const data = { base: 'ETH', quote: 'USD' }

  beforeAll(async () => {
    jest.resetModules()
    received.length = 0
    process.env.WS_API_ENDPOINT = url
    process.env.WS_API_KEY = 'stream-key'
    process.env.WS_SUBSCRIPTION_TTL = '90000'
    process.env.WS_SUBSCRIPTION_UNRESPONSIVE_TTL = '180000'
    // What is loaded after resetModules has a provider of its own.
    const transports = await import('@chainlink/external-adapter-framework/transports')
    mockWebSocketProvider(transports.WebSocketClassProvider as unknown as typeof WebSocketClassProvider)
    server = mockServer()
    const utils = await import('@chainlink/external-adapter-framework/util/testing-utils')
    const adapter = (await import('./adapter')).adapter
    clock = FakeTimers.install()
    testAdapter = await utils.TestAdapter.startWithMockedCache(adapter, {
      clock,
      testAdapter: {} as TestAdapter<never>,
    })
  })

  afterAll(async () => {
    server.close()
    clock.uninstall()
    await testAdapter.api.close()
  })

  it('answers a miss when the value comes', async () => {
    const response = await testAdapter.request(data)
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ result: 1800.5 })
    expect(testAdapter.mockCache?.cache.size).toBe(1)
  })

  it('serves the value until it expires, then none', async () => {
    await runAllUntilTime(clock, 80_000)
    expect((await testAdapter.request(data)).statusCode).toBe(200)
    await runAllUntilTime(clock, 12_000)
    const key = [...testAdapter.mockCache!.cache.keys()][0]
    expect(await testAdapter.mockCache!.get(key)).toBeUndefined()
  })

  it('unsubscribes what nobody wants any more', async () => {
    await runAllUntilTime(clock, 85_000)
    expect(received.map((text) => JSON.parse(text) as { op: string }).at(-1)).toEqual({
      op: 'remove',
      pair: 'ETH/USD',
    })
  })
})
