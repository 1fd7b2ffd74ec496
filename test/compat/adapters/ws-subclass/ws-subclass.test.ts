import { WebSocketClassProvider } from '@chainlink/external-adapter-framework/transports'
import {
  MockWebsocketServer,
  mockWebSocketProvider,
  setEnvVariables,
  TestAdapter,
} from '@chainlink/external-adapter-framework/util/testing-utils'
import FakeTimers, { InstalledClock } from '@sinonjs/fake-timers'

const frame = (text: string) => Buffer.from(text).toString('base64')

describe('a subclass of the WebSocket transport', () => {
  const url = 'wss://stream.subclass.example/v3'
  const received: unknown[] = []
  let server: MockWebsocketServer
  let testAdapter: TestAdapter
  let clock: InstalledClock
  let oldEnv: NodeJS.ProcessEnv

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.WS_API_ENDPOINT = url
    process.env.SESSION = 'beta'
    mockWebSocketProvider(WebSocketClassProvider)
    server = new MockWebsocketServer(`${url}/beta`, { mock: false })
    server.on('connection', (socket) => {
      setTimeout(() => socket.send(frame('WELCOME')), 50)
      socket.on('message', (text) => {
        const message = JSON.parse(Buffer.from(String(text), 'base64').toString()) as { symbols: string[] }
        received.push(message)
        socket.send(frame(message.symbols.map((symbol, i) => `${symbol}=${i + 1.5}`).join('\n')))
      })
    })
    clock = FakeTimers.install()
    testAdapter = await TestAdapter.startWithMockedCache((await import('./adapter')).adapter, {
      clock,
      testAdapter: {} as TestAdapter<never>,
    })
    await Promise.all([testAdapter.request({ symbol: 'A' }), testAdapter.request({ symbol: 'B' })])
    await testAdapter.waitForCache(2)
  })

  afterAll(async () => {
    setEnvVariables(oldEnv)
    server.close()
    clock.uninstall()
    await testAdapter.api.close()
  })

  it('connects its own way, and is asked to send everything of a pass at once', async () => {
    const { calls } = await import('./adapter')
    expect(calls.slice(0, 4)).toEqual([`establish ${url}`, 'open', 'welcomed', 'established quote'])
    expect(calls.slice(4).join(' ').replace('send A send B', 'send A,B')).toBe('send A,B')
    expect(received.flatMap((message) => (message as { symbols: string[] }).symbols)).toEqual(['A', 'B'])
  })

  it('decodes its own way', async () => {
    const response = await testAdapter.request({ symbol: 'A' })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ result: 1.5, data: { result: 1.5 } })
  })
})
