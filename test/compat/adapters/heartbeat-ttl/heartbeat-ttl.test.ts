import { WebSocketClassProvider } from '@chainlink/external-adapter-framework/transports'
import {
  MockWebsocketServer,
  mockWebSocketProvider,
  runAllUntilTime,
  setEnvVariables,
  TestAdapter,
} from '@chainlink/external-adapter-framework/util/testing-utils'
import FakeTimers, { InstalledClock } from '@sinonjs/fake-timers'

describe('heartbeats of the provider', () => {
  const url = 'wss://stream.ttl.example/feed'
  const received: string[] = []
  let send: (message: object) => void
  let server: MockWebsocketServer
  let testAdapter: TestAdapter
  let clock: InstalledClock
  let oldEnv: NodeJS.ProcessEnv
  let connections = 0
  const data = { ticker: 'ACME' }

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.WS_API_ENDPOINT = url
    process.env.WS_SUBSCRIPTION_TTL = '3600000'
    mockWebSocketProvider(WebSocketClassProvider)
    server = new MockWebsocketServer(url, { mock: false })
    server.on('connection', (socket) => {
      connections += 1
      send = (message) => socket.send(JSON.stringify(message))
      socket.on('message', (text) => {
        received.push(String(text))
        if (String(text).includes('watch')) send({ kind: 'trade', ticker: 'ACME', price: 250 })
      })
    })
    clock = FakeTimers.install()
    testAdapter = await TestAdapter.startWithMockedCache((await import('./adapter')).adapter, {
      clock,
      testAdapter: {} as TestAdapter<never>,
    })
    await testAdapter.request(data)
    await testAdapter.waitForCache()
  })

  afterAll(async () => {
    setEnvVariables(oldEnv)
    server.close()
    clock.uninstall()
    await testAdapter.api.close()
  })

  it('says its piece on opening, then subscribes', () => {
    expect(received.slice(0, 2).map((text) => JSON.parse(text))).toEqual([
      { auth: 'please' },
      { watch: 'ACME' },
    ])
  })

  it('keep a value alive that does not change', async () => {
    for (let i = 0; i < 3; i++) {
      await runAllUntilTime(clock, 60_000)
      send({ kind: 'heartbeat' })
    }
    const response = await testAdapter.request(data)
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ result: 250 })
    expect(connections).toBe(1)
  })

  it('are answered by ours, at their interval', () => {
    const pings = received.filter((text) => text === 'ping')
    expect(pings.length).toBeGreaterThanOrEqual(17)
    expect(pings.length).toBeLessThanOrEqual(18)
  })

  it('stop keeping it alive when they stop', async () => {
    await runAllUntilTime(clock, 91_000)
    const cache = testAdapter.mockCache!
    expect(await cache.get([...cache.cache.keys()][0])).toBeUndefined()
  })
})
