import { WebSocketClassProvider } from '@chainlink/external-adapter-framework/transports'
import {
  MockWebsocketServer,
  mockWebSocketProvider,
  runAllUntilTime,
  setEnvVariables,
  TestAdapter,
} from '@chainlink/external-adapter-framework/util/testing-utils'
import FakeTimers, { InstalledClock } from '@sinonjs/fake-timers'

describe('identifiers that cannot be split back into parameters', () => {
  const url = 'wss://stream.ids.example/live'
  const received: string[] = []
  let server: MockWebsocketServer
  let testAdapter: TestAdapter
  let clock: InstalledClock
  let oldEnv: NodeJS.ProcessEnv
  let setReverseMapping: jest.SpyInstance

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.WS_API_ENDPOINT = url
    mockWebSocketProvider(WebSocketClassProvider)
    server = new MockWebsocketServer(url, { mock: false })
    server.on('connection', (socket) => {
      socket.on('message', (text) => {
        received.push(String(text))
        const [, id] = String(text).split(' ')
        socket.send(JSON.stringify({ id: 'unknown', values: [{ last: '1', at: 1 }] }))
        socket.send(JSON.stringify({ id, values: [] }))
        socket.send('not even JSON')
        const last = id.startsWith('XAU') ? '1901.25' : '23.5'
        socket.send(
          JSON.stringify({
            id,
            values: [
              { last: '7', at: 1 },
              { last, at: 1700000000000 },
            ],
          }),
        )
      })
    })
    const { adapter, transport } = await import('./adapter')
    setReverseMapping = jest.spyOn(transport, 'setReverseMapping')
    clock = FakeTimers.install({ now: 1_700_000_001_000 })
    testAdapter = await TestAdapter.startWithMockedCache(adapter, {
      clock,
      testAdapter: {} as TestAdapter<never>,
    })
    await testAdapter.request({ asset: 'Gold' })
    await testAdapter.request({ base: 'silver', currency: 'USD' })
    await testAdapter.waitForCache(2)
  })

  afterAll(async () => {
    setEnvVariables(oldEnv)
    server.close()
    clock.uninstall()
    await testAdapter.api.close()
  })

  it('remembers the parameters of what it subscribed', async () => {
    expect(setReverseMapping.mock.calls).toEqual([
      ['XAU-1.EUR', { asset: 'Gold', currency: 'EUR' }],
      ['XAG-7.USD', { asset: 'silver', currency: 'USD' }],
    ])
    expect(received).toEqual(['SUB XAU-1.EUR', 'SUB XAG-7.USD'])
    // What is subscribed is known when the pass is over.
    await runAllUntilTime(clock, 2_000)
    const { transport } = await import('./adapter')
    expect(transport.localSubscriptions).toEqual([
      { asset: 'Gold', currency: 'EUR' },
      { asset: 'silver', currency: 'USD' },
    ])
  })

  it.each([
    [{ asset: 'gold', currency: 'eur' }, 1901.25],
    [{ asset: 'SILVER', currency: 'USD' }, 23.5],
  ])('answers %j', async (data, result) => {
    const response = await testAdapter.request(data)
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ result, data: { result }, statusCode: 200 })
    expect(response.json().timestamps.providerIndicatedTimeUnixMs).toBe(1700000000000)
  })
})
