import { EndpointContext } from '@chainlink/external-adapter-framework/adapter'
import { metrics } from '@chainlink/external-adapter-framework/metrics'
import {
  TransportDependencies,
  WebSocketClassProvider,
} from '@chainlink/external-adapter-framework/transports'
import { LoggerFactoryProvider } from '@chainlink/external-adapter-framework/util'
import {
  allowedUndefinedStubProps,
  makeStub,
  MockWebsocketServer,
  mockWebSocketProvider,
  runAllUntilSettled,
  runAllUntilTime,
} from '@chainlink/external-adapter-framework/util/testing-utils'
import FakeTimers, { InstalledClock } from '@sinonjs/fake-timers'
import { HttpTypes, makeHttpTransport, makeWsTransport, WsTypes } from './transports'

const log = jest.fn()
const debugLog = jest.fn()
const logger = { fatal: log, error: log, warn: log, info: log, debug: debugLog, trace: debugLog }
LoggerFactoryProvider.set({ child: () => logger } as never)
metrics.initialize()

const BTC = { base: 'BTC', quote: 'USD' }
const ETH = { base: 'ETH', quote: 'USD' }
const SOL = { base: 'SOL', quote: 'USD' }

describe('a WebSocket transport of which only the parts are there', () => {
  const url = 'wss://stream.stubs.example/units'
  const adapterSettings = makeStub('adapterSettings', {
    WS_API_ENDPOINT: url,
    BATCH: 2,
    WS_SUBSCRIPTION_TTL: 10_000,
    WS_SUBSCRIPTION_UNRESPONSIVE_TTL: 120_000,
    WS_CONNECTION_OPEN_TIMEOUT: 10_000,
    WS_HEARTBEAT_INTERVAL_MS: 10_000,
    BACKGROUND_EXECUTE_MS_WS: 1_000,
    MAX_COMMON_KEY_SIZE: 300,
    STREAM_HANDLER_RETRY_MIN_MS: 100,
    STREAM_HANDLER_RETRY_EXP_FACTOR: 3,
    STREAM_HANDLER_RETRY_MAX_MS: 1_200_000,
  } as unknown as WsTypes['Settings'])
  const context = makeStub('context', {
    adapterSettings,
    endpointName: 'price',
  } as EndpointContext<WsTypes>)

  let clock: InstalledClock
  let server: MockWebsocketServer
  const socketMessages: unknown[] = []
  let socket: { send: (text: string) => void; close: (options?: object) => void }

  beforeEach(() => {
    log.mockClear()
    debugLog.mockClear()
    socketMessages.length = 0
    clock = FakeTimers.install()
    mockWebSocketProvider(WebSocketClassProvider)
    server = new MockWebsocketServer(url, { mock: false })
    server.on('connection', (connected) => {
      socket = connected as unknown as typeof socket
      connected.on('message', (text) => socketMessages.push(JSON.parse(String(text))))
    })
  })

  afterEach(() => {
    server.close()
    clock.uninstall()
  })

  const initialized = async (wanted: () => unknown) => {
    const transport = makeWsTransport()
    const write = jest.fn()
    const dependencies = makeStub('dependencies', {
      responseCache: { write },
      subscriptionSetFactory: { buildSet: () => ({ getAll: wanted }) },
    } as unknown as TransportDependencies<WsTypes>)
    await transport.initialize(dependencies, adapterSettings, 'price', 'default_single_transport')
    return { transport, write }
  }

  it('subscribes, writes what comes exactly once and at once, unsubscribes, and logs nothing', async () => {
    const getAll = jest.fn().mockReturnValue([BTC, ETH, SOL])
    const { transport, write } = await initialized(getAll)
    await runAllUntilSettled(clock, transport.backgroundExecute(context))
    expect(socketMessages).toEqual([
      { op: 'add', symbols: ['BTC-USD', 'ETH-USD'] },
      { op: 'add', symbols: ['SOL-USD'] },
    ])
    expect(transport.localSubscriptions).toEqual([BTC, ETH, SOL])

    const now = Date.now()
    socket.send(JSON.stringify({ ...ETH, price: 7, time: 123 }))
    expect(write).toHaveBeenCalledTimes(1)
    expect(write).toHaveBeenCalledWith('default_single_transport', [
      {
        params: ETH,
        response: {
          result: 7,
          data: { result: 7 },
          timestamps: {
            providerDataReceivedUnixMs: now,
            providerDataStreamEstablishedUnixMs: expect.any(Number),
            providerIndicatedTimeUnixMs: 123,
          },
        },
      },
    ])

    getAll.mockReturnValue(Promise.resolve([ETH]))
    socketMessages.length = 0
    await runAllUntilSettled(clock, transport.backgroundExecute(context))
    // What a mock server hears comes a few milliseconds later.
    await runAllUntilTime(clock, 100)
    expect(socketMessages).toEqual([{ op: 'remove', symbols: ['BTC-USD', 'SOL-USD'] }])
    expect(log).not.toHaveBeenCalled()
  })

  it('survives messages that are none', async () => {
    const { transport, write } = await initialized(() => [BTC])
    await runAllUntilSettled(clock, transport.backgroundExecute(context))
    socket.send('{')
    socket.send('null')
    expect(write).not.toHaveBeenCalled()
    socket.send(JSON.stringify({ ...BTC, price: 1, time: 1 }))
    expect(write).toHaveBeenCalledTimes(1)
  })

  it('logs one line when the connection breaks, and comes back', async () => {
    const { transport } = await initialized(() => [BTC])
    await runAllUntilSettled(clock, transport.backgroundExecute(context))
    socket.close({ code: 1006, reason: 'broken', wasClean: false })
    await runAllUntilTime(clock, 100)
    expect(log.mock.calls.map((args: unknown[]) => args.at(-1))).toEqual([
      `WebSocket closed abnormally (code: 1006, reason: broken). Failover counter incremented to 1. URL: ${url}`,
    ])
    socketMessages.length = 0
    for (let i = 0; i < 3; i++) await runAllUntilSettled(clock, transport.backgroundExecute(context))
    expect(socketMessages).toEqual([{ op: 'add', symbols: ['BTC-USD'] }])
  })

  it('hands deltas to a stream handler that was never initialized', async () => {
    const transport = makeWsTransport()
    await runAllUntilSettled(
      clock,
      transport.streamHandler(context, { desired: [BTC], new: [BTC], stale: [ETH] }),
    )
    expect(transport.connectionClosed()).toBe(false)
    expect(transport.wsConnection).toBeDefined()
    expect(transport.currentUrl).toBe(url)
    expect(log).not.toHaveBeenCalled()
  })

  it('shows its builders', () => {
    const transport = makeWsTransport()
    const { builders } = (transport as unknown as { config: { builders: Record<string, unknown> } }).config
    const build = builders.customSubscriptionMessages as (...args: unknown[]) => unknown[]
    expect(build(context, { desired: [], new: [], stale: [BTC] })).toEqual([
      { op: 'remove', symbols: ['BTC-USD'] },
    ])
  })
})

describe('a WebSocket transport on a socket that is hardly one', () => {
  it('opens within addEventListener, and makes do without what is missing', async () => {
    const clock = FakeTimers.install()
    log.mockClear()
    try {
      const listeners = new Map<string, (event: unknown) => void>()
      const made: unknown[][] = []
      class Double {
        onclose?: () => void
        constructor(...args: unknown[]) {
          made.push(args)
        }
        addEventListener(type: string, listener: (event: unknown) => void) {
          listeners.set(type, listener)
          if (type === 'open') listener({})
        }
        removeAllListeners() {
          listeners.clear()
        }
        close() {}
      }
      WebSocketClassProvider.set(Double as unknown as Parameters<typeof WebSocketClassProvider.set>[0])
      const write = jest.fn()
      const adapterSettings = makeStub('adapterSettings', {
        WS_API_ENDPOINT: 'wss://double.example',
        BATCH: 1,
        WS_SUBSCRIPTION_TTL: 10_000,
        WS_SUBSCRIPTION_UNRESPONSIVE_TTL: 120_000,
        WS_CONNECTION_OPEN_TIMEOUT: 10_000,
        BACKGROUND_EXECUTE_MS_WS: 1_000,
        MAX_COMMON_KEY_SIZE: 300,
      } as unknown as WsTypes['Settings'])
      const context = { adapterSettings, endpointName: 'price' } as EndpointContext<WsTypes>
      const transport = makeWsTransport()
      const sent: unknown[] = []
      transport.sendMessages = async (_context, messages) => void sent.push(...messages)
      await transport.initialize(
        makeStub('dependencies', {
          responseCache: { write },
          subscriptionSetFactory: { buildSet: () => ({ getAll: () => [BTC] }) },
        } as unknown as TransportDependencies<WsTypes>),
        adapterSettings,
        'price',
        'ws',
      )
      await runAllUntilSettled(clock, transport.backgroundExecute(context))
      expect(made).toEqual([['wss://double.example', undefined, undefined]])
      expect(sent).toEqual([{ op: 'add', symbols: ['BTC-USD'] }])
      listeners.get('message')!({ data: JSON.stringify({ ...BTC, price: 5, time: 5 }), type: 'message' })
      expect(write).toHaveBeenCalledTimes(1)
      expect(write.mock.calls[0][0]).toBe('ws')
      expect(log).not.toHaveBeenCalled()
    } finally {
      clock.uninstall()
    }
  })
})

describe('an HTTP transport of which only the parts are there', () => {
  it('asks the requester and writes once', async () => {
    log.mockClear()
    const transport = makeHttpTransport()
    const requester = { request: jest.fn() }
    const responseCache = { write: jest.fn() }
    const adapterSettings = makeStub('adapterSettings', {
      API_ENDPOINT: 'https://rest.stubs.example',
      WARMUP_SUBSCRIPTION_TTL: 10_000,
      CACHE_MAX_AGE: 90_000,
      MAX_COMMON_KEY_SIZE: 300,
    } as unknown as HttpTypes['Settings'])
    await transport.initialize(
      makeStub('dependencies', {
        requester,
        responseCache,
        subscriptionSetFactory: { buildSet: () => ({ getAll: () => [BTC] }) },
      } as unknown as TransportDependencies<HttpTypes>),
      adapterSettings,
      'price',
      'default_single_transport',
    )
    const timestamps = { providerDataRequestedUnixMs: 1, providerDataReceivedUnixMs: 2 }
    requester.request.mockResolvedValue(
      makeStub('answer', { response: { data: { price: 8, cost: undefined } }, timestamps }),
    )
    const context = makeStub('context', {
      adapterSettings,
      endpointName: 'price',
    } as EndpointContext<HttpTypes>)
    await transport.backgroundExecute(context)
    expect(requester.request).toHaveBeenCalledTimes(1)
    expect(requester.request).toHaveBeenCalledWith(
      'price-default_single_transport-[{"base":"btc","quote":"usd"}]',
      { baseURL: 'https://rest.stubs.example', url: '/price', params: BTC },
      undefined,
    )
    expect(responseCache.write).toHaveBeenCalledTimes(1)
    expect(responseCache.write).toHaveBeenCalledWith('default_single_transport', [
      {
        params: BTC,
        response: {
          result: 8,
          data: { result: 8 },
          timestamps: { ...timestamps, providerIndicatedTimeUnixMs: undefined },
        },
      },
    ])
    expect(log).not.toHaveBeenCalled()
  })
})

describe('stubs', () => {
  it('throw at what they lack, and name it', () => {
    const print = jest.spyOn(console, 'error').mockImplementation(() => {})
    const printed = jest.spyOn(console, 'log').mockImplementation(() => {})
    const stub = makeStub('stub', { a: { b: 1 }, list: [{ c: 2 }], none: undefined }) as unknown as {
      a: { b: number; x: number }
      list: { c: number; d: number }[]
      none: undefined
      SOME_SETTING: number
    }
    expect(stub.a.b + stub.list[0].c).toBe(3)
    expect(() => stub.a.x).toThrow("Property 'stub.a.x' does not exist")
    expect(() => stub.list[0].d).toThrow("Property 'stub.list.0.d' does not exist")
    expect(() => stub.SOME_SETTING).toThrow("Property 'stub.SOME_SETTING' does not exist")
    allowedUndefinedStubProps.push('SOME_SETTING')
    expect(stub.SOME_SETTING).toBeUndefined()
    expect(JSON.stringify(stub)).toBe('{"a":{"b":1},"list":[{"c":2}]}')
    expect(stub).toEqual({ a: { b: 1 }, list: [{ c: 2 }] })
    print.mockRestore()
    printed.mockRestore()
  })
})
