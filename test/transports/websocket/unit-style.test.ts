import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { metrics } from '../../../src/metrics/registry'
import { WebSocketClassProvider } from '../../../src/connections/class-provider'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { BTC, config, ETH, FAKED, linesAt, logged, loggerFactory, result, tick, type Types } from './support'

type Context = Parameters<WebSocketTransport<Types>['streamHandler']>[0]
type Dependencies = Parameters<WebSocketTransport<Types>['initialize']>[0]
type Listener = (event: object) => void

/** contract 16.7: reading anything else than what is there throws, symbols and what assertions look at excepted. */
const strict = <T extends object>(name: string, target: T): T =>
  new Proxy(target, {
    get: (of, key) => {
      const value: unknown = Reflect.get(of, key)
      const path = `${name}.${String(key)}`
      const isFree =
        typeof key === 'symbol' || ['then', 'toJSON', 'FEED_ID_JSON', 'asymmetricMatch'].includes(key)
      if (!(key in of) && !isFree) throw new Error(`Property '${path}' does not exist`)
      return typeof value === 'object' && value !== null ? strict(path, value) : value
    },
  })

/** contract 16.9: as little of a WebSocket as adapters' tests make do with. Opens within `addEventListener`. */
class Double {
  static made: Double[] = []
  private readonly listeners = new Map<string, Listener[]>()
  readonly closes: unknown[] = []

  constructor(
    readonly url: string,
    readonly protocols: unknown,
    readonly options: unknown,
  ) {
    Double.made.push(this)
  }

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener])
    if (type === 'open') listener({})
  }

  removeAllListeners(): void {
    this.listeners.clear()
  }

  close(code?: number): void {
    this.closes.push(code)
  }

  fire(type: string, event: object): void {
    for (const listener of this.listeners.get(type) ?? []) listener(event)
  }
}

const settings = {
  WS_SUBSCRIPTION_TTL: 10_000,
  WS_SUBSCRIPTION_UNRESPONSIVE_TTL: 120_000,
  STREAM_HANDLER_RETRY_MIN_MS: 100,
  STREAM_HANDLER_RETRY_EXP_FACTOR: 3,
  STREAM_HANDLER_RETRY_MAX_MS: 1_000,
  MAX_COMMON_KEY_SIZE: 300,
  WS_CONNECTION_OPEN_TIMEOUT: 1_000,
  BACKGROUND_EXECUTE_MS_WS: 100,
  WS_HEARTBEAT_INTERVAL_MS: 5_000,
}

const context = strict('context', { endpointName: 'price', adapterSettings: settings }) as unknown as Context

const settle = async <T>(promise: Promise<T>): Promise<T> => {
  await vi.advanceTimersByTimeAsync(2_000)
  return promise
}

beforeAll(() => {
  metrics.initialize()
  LoggerFactoryProvider.set(loggerFactory)
})

beforeEach(() => {
  logged.length = 0
  Double.made = []
  vi.useFakeTimers({ ...FAKED, now: 0 })
  WebSocketClassProvider.set(Double as unknown as Parameters<typeof WebSocketClassProvider.set>[0])
})

afterEach(() => {
  vi.useRealTimers()
  WebSocketClassProvider.set(WebSocket)
})

describe('a transport that was never initialized', () => {
  it('does a pass with the settings of the contract only, and a socket that is hardly one', async () => {
    const sent: unknown[] = []
    class Sending extends WebSocketTransport<Types> {
      override sendMessages(_context: Context, messages: unknown[]): Promise<void> {
        sent.push(...messages)
        return Promise.resolve()
      }
    }
    const transport = new Sending(
      config('wss://provider.example', { options: () => ({ headers: { a: 'b' } }) }),
    )
    await settle(transport.streamHandler(context, { desired: [ETH], new: [ETH], stale: [BTC] }))
    expect(Double.made).toHaveLength(1)
    expect(Double.made[0]).toMatchObject({
      url: 'wss://provider.example',
      protocols: undefined,
      options: { headers: { a: 'b' } },
    })
    expect(sent).toEqual(['-BTC/USD', '+ETH/USD'])
    expect(transport.wsConnection).toBe(Double.made[0])
    Double.made[0]?.fire('message', { data: JSON.stringify(tick(ETH)) })
    expect(transport.lastMessageReceivedAt).toBe(Date.now())
    expect(linesAt('info', 'warn', 'error', 'fatal')).toEqual([])
  })

  it('survives a socket without send', async () => {
    const transport = new WebSocketTransport<Types>(config('wss://provider.example'))
    await settle(transport.streamHandler(context, { desired: [ETH], new: [ETH], stale: [] }))
    expect(transport.connectionClosed()).toBe(false)
  })

  it('closes with 1000 and opens another when the URL changes, without what a double lacks', async () => {
    let url = 'wss://a.example'
    const transport = new WebSocketTransport<Types>(config(() => url, { builders: undefined }))
    await settle(transport.streamHandler(context, { desired: [ETH], new: [ETH], stale: [] }))
    url = 'wss://b.example'
    await settle(transport.streamHandler(context, { desired: [ETH], new: [], stale: [] }))
    expect(Double.made.map((double) => double.url)).toEqual(['wss://a.example', 'wss://b.example'])
    expect(Double.made[0]?.closes[0]).toBe(1000)
    expect(transport.wsConnection).toBe(Double.made[1])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sleeps when there is nothing to do', async () => {
    const url = vi.fn(() => 'wss://provider.example')
    const transport = new WebSocketTransport<Types>(config(url))
    const done = vi.fn()
    void transport.streamHandler(context, { desired: [], new: [], stale: [] }).then(done)
    await vi.advanceTimersByTimeAsync(99)
    expect(done).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toHaveBeenCalledOnce()
    expect(url).not.toHaveBeenCalled()
  })

  it('has the counter at 0 where the clock starts at 0, at 1 where it does not', async () => {
    const atZero = new WebSocketTransport<Types>(config('wss://provider.example', { builders: undefined }))
    await settle(atZero.streamHandler(context, { desired: [ETH], new: [ETH], stale: [] }))
    expect(atZero.streamHandlerInvocationsWithNoConnection).toBe(0)
    vi.setSystemTime(1_700_000_000_000)
    const later = new WebSocketTransport<Types>(config('wss://provider.example', { builders: undefined }))
    await settle(later.streamHandler(context, { desired: [ETH], new: [ETH], stale: [] }))
    expect(later.streamHandlerInvocationsWithNoConnection).toBe(1)
  })
})

describe('a transport initialized with stubs', () => {
  const initialized = async (getAll: () => unknown) => {
    const write = vi.fn()
    const transport = new WebSocketTransport<Types>(config('wss://provider.example', { builders: undefined }))
    const dependencies = strict('dependencies', {
      responseCache: { write },
      subscriptionSetFactory: { buildSet: () => ({ getAll }) },
    }) as unknown as Dependencies
    await transport.initialize(
      dependencies,
      strict('settings', settings) as never,
      'price',
      'default_single_transport',
    )
    return { transport, write }
  }

  it.each([
    ['synchronous', () => [ETH]],
    ['asynchronous', () => Promise.resolve([ETH])],
  ])('does background passes over a %s set', async (_, getAll) => {
    const { transport } = await initialized(getAll)
    await settle(transport.backgroundExecute(context))
    await settle(transport.backgroundExecute(context))
    expect(Double.made).toHaveLength(1)
    expect(transport.localSubscriptions).toEqual([ETH])
    expect(linesAt('info', 'warn', 'error', 'fatal')).toEqual([])
  })

  it('writes once per message, with all its results, before the event is over', async () => {
    const { transport, write } = await initialized(() => [ETH, BTC])
    await settle(transport.backgroundExecute(context))
    const at = Date.now()
    Double.made[0]?.fire('message', {
      data: JSON.stringify({ ticks: [...tick(ETH, 5, 123).ticks, ...tick(BTC, 6).ticks] }),
    })
    expect(write).toHaveBeenCalledOnce()
    const times = { providerDataStreamEstablishedUnixMs: 0, providerDataReceivedUnixMs: at }
    expect(write).toHaveBeenCalledWith('default_single_transport', [
      {
        params: ETH,
        response: {
          result: 5,
          data: { result: 5 },
          timestamps: { ...times, providerIndicatedTimeUnixMs: 123 },
        },
      },
      {
        params: BTC,
        response: {
          result: 6,
          data: { result: 6 },
          timestamps: { ...times, providerIndicatedTimeUnixMs: undefined },
        },
      },
    ])
  })

  it('stamps the very object that its handler returned, and writes nothing for no results', async () => {
    const { transport, write } = await initialized(() => [ETH])
    const mine = result({ ...ETH, price: 1 })
    const answers = [[], undefined, [mine]]
    // The run-time property that adapters' tests look at.
    const { config: of } = transport as unknown as { config: ReturnType<typeof config> }
    of.handlers.message = () => answers.shift()
    await settle(transport.backgroundExecute(context))
    for (let i = 0; i < 3; i++) Double.made[0]?.fire('message', { data: '{}' })
    expect(write).toHaveBeenCalledOnce()
    expect(mine.response).toHaveProperty('timestamps.providerDataReceivedUnixMs', Date.now())
  })

  it('cannot be initialized twice, and is named as the second time, contract 18.5', async () => {
    const { transport } = await initialized(() => [])
    await expect(transport.initialize({} as Dependencies, settings as never, 'price', 'x')).rejects.toThrow(
      'Transport x has already been initialized',
    )
  })

  it('logs an abnormal close in exactly one line', async () => {
    const { transport } = await initialized(() => [ETH])
    await settle(transport.backgroundExecute(context))
    Double.made[0]?.fire('close', { code: 1006, reason: '', wasClean: false })
    expect(linesAt('info', 'warn', 'error', 'fatal')).toEqual([
      'WebSocket closed abnormally (code: 1006, reason: none). Failover counter incremented to 1. URL: wss://provider.example',
    ])
  })
})

describe('a WebSocket class', () => {
  it('is the one of ws, unless another is put in its place', () => {
    expect(WebSocketClassProvider.get()).toBe(Double)
    WebSocketClassProvider.set(WebSocket)
    expect(WebSocketClassProvider.get()).toBe(WebSocket)
  })
})
