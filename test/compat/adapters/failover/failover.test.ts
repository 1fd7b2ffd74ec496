import { WebSocketClassProvider } from '@chainlink/external-adapter-framework/transports'
import {
  MockWebsocketServer,
  mockWebSocketProvider,
  runAllUntil,
  setEnvVariables,
  TestAdapter,
} from '@chainlink/external-adapter-framework/util/testing-utils'
import FakeTimers, { InstalledClock } from '@sinonjs/fake-timers'

const first = 'wss://first.failover.example/a'
const second = 'wss://second.failover.example/b'

describe('failover between URLs', () => {
  let testAdapter: TestAdapter
  let clock: InstalledClock
  let servers: MockWebsocketServer[]
  let oldEnv: NodeJS.ProcessEnv
  const subscribed: string[] = []
  let closeFirst: () => void

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.WS_API_ENDPOINT = first
    process.env.WS_API_ENDPOINT_2 = second
    process.env.WS_SUBSCRIPTION_TTL = '3600000'
    mockWebSocketProvider(WebSocketClassProvider)
    servers = [first, second].map((url, i) => {
      const server = new MockWebsocketServer(url, { mock: false })
      server.on('connection', (socket) => {
        if (i === 0) closeFirst = () => socket.close({ code: 4000, reason: 'full', wasClean: false })
        socket.on('message', (text) => {
          subscribed.push(`${i + 1}:${String(text)}`)
          socket.send(JSON.stringify({ symbol: String(text), price: i + 1 }))
        })
      })
      return server
    })
    clock = FakeTimers.install({ now: new Date('2024-01-01T00:00:00Z') })
    testAdapter = await TestAdapter.startWithMockedCache((await import('./adapter')).adapter, {
      clock,
      testAdapter: {} as TestAdapter<never>,
    })
  })

  afterAll(async () => {
    setEnvVariables(oldEnv)
    for (const server of servers) server.close()
    clock.uninstall()
    await testAdapter.api.close()
  })

  it('counts from 1 at the first connection', async () => {
    const response = await testAdapter.request({ symbol: 'ACME' })
    expect(response.json()).toMatchObject({ result: 1 })
    const { counters, transport } = await import('./adapter')
    expect(counters[0]).toBe(1)
    expect(transport.streamHandlerInvocationsWithNoConnection).toBe(1)
  })

  it('counts abnormal closes, and goes to the second URL after three', async () => {
    const { transport } = await import('./adapter')
    for (let i = 1; i <= 3; i++) {
      const before = subscribed.length
      closeFirst()
      await runAllUntil(clock, () => subscribed.length > before)
      expect(transport.streamHandlerInvocationsWithNoConnection).toBe(1 + i)
    }
    expect(subscribed).toEqual(['1:ACME', '1:ACME', '1:ACME', '2:ACME'])
    expect(transport.currentUrl).toBe(second)
    await runAllUntil(clock, () => false || subscribed.length === 4)
    const response = await testAdapter.request({ symbol: 'ACME' })
    expect(response.json()).toMatchObject({ result: 2 })
  })

  it('is a function that can be asked', async () => {
    const { chooseUrl } = await import('./adapter')
    const context = { adapterSettings: { WS_API_ENDPOINT: 'a', WS_API_ENDPOINT_2: 'b' } } as never
    const urls = [0, 1, 2, 3, 4, 6, 7].map((streamHandlerInvocationsWithNoConnection) =>
      chooseUrl(context, [], { streamHandlerInvocationsWithNoConnection }),
    )
    expect(urls.join('')).toBe('aaaabba')
  })
})
