import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { LocalCache } from '../../../src/feeds/local-cache'
import { WebSocketClassProvider } from '../../../src/connections/class-provider'
import {
  MockCache,
  MockWebsocketServer,
  mockWebSocketProvider,
  NopTransport,
  TestAdapter,
} from '../../../src/public/util/testing-utils'
import { type Variables, withEnv } from '../../../src/testing/env'
import { PATIENT } from '../../helpers/eventually'
import { makeAcme } from '../acme'
import { recordingAssertions } from './assertions'

const url = 'wss://mock.example/acme'
const data = { base: 'ETH', quote: 'USD' }

/** What versions of that package faked by default when most adapters were written; a server does not start without real ticks. */
const FAKED = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'Date',
  'hrtime',
  'performance',
] as const

/** Uninstalled before adapters are closed, as tests do. */
const install = (now = 0): Clock => {
  const clock = FakeTimers.install({ now, toFake: [...FAKED] })
  clocks.push(clock)
  return clock
}

const clocks: Clock[] = []
const cleanUps: (() => unknown)[] = []
const atEnd = (cleanUp: () => unknown) => void cleanUps.push(cleanUp)

const set = (variables: Variables): void => {
  const env = withEnv(variables)
  atEnd(() => env.restore())
}

const mockProvider = (): MockWebsocketServer => {
  mockWebSocketProvider(WebSocketClassProvider)
  const server = new MockWebsocketServer(url, { mock: false })
  server.on('connection', (socket) => {
    socket.on('message', (text) => {
      const { op, s } = JSON.parse(text as string) as { op: string; s: string }
      if (op === 'subscribe') socket.send(JSON.stringify({ s, p: 1800.5 }))
    })
  })
  atEnd(() => {
    server.close()
    WebSocketClassProvider.set(WebSocket)
  })
  return server
}

const nop = (transport = new NopTransport()) =>
  new Adapter({
    name: 'NOP',
    defaultEndpoint: 'nop',
    endpoints: [new AdapterEndpoint({ name: 'nop', transport })],
  })

const started = async (clock?: Clock, adapter: Adapter = makeAcme() as unknown as Adapter) => {
  const context = { testAdapter: {} as TestAdapter<never>, ...(clock && { clock }) }
  const testAdapter = await TestAdapter.startWithMockedCache(adapter, context)
  atEnd(() => testAdapter.api.close())
  return testAdapter
}

let env: ReturnType<typeof withEnv>

beforeEach(() => {
  env = withEnv({ METRICS_ENABLED: 'false', WS_API_ENDPOINT: url })
})

afterEach(async () => {
  for (const clock of clocks.splice(0)) clock.uninstall()
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
  env.restore()
})

describe('starting', () => {
  it('puts the adapter into the context, with the clock and the cache', async () => {
    const clock = install()
    const adapter = nop()
    const context = { testAdapter: {} as unknown, clock }
    const testAdapter = await TestAdapter.startWithMockedCache(adapter, context)
    atEnd(() => testAdapter.api.close())
    expect(context.testAdapter).toBe(testAdapter)
    expect(testAdapter).toMatchObject({ adapter, clock, metricsApi: undefined })
    expect(testAdapter.mockCache).toBeInstanceOf(MockCache)
    expect(testAdapter.mockCache.capacity).toBe(10_000)
    expect(adapter.dependencies.cache).toBe(testAdapter.mockCache)
  })

  it('takes a cache of the caller', async () => {
    const cache = new LocalCache(5)
    const testAdapter = await TestAdapter.startWithMockedCache(nop(), { testAdapter: undefined }, { cache })
    atEnd(() => testAdapter.api.close())
    expect(testAdapter.adapter.dependencies.cache).toBe(cache)
    expect(testAdapter.mockCache).toBeUndefined()
    await expect(testAdapter.waitForCache()).rejects.toThrow('"waitForCache" needs a fake clock')
  })

  it('refuses an adapter that serves no requests', async () => {
    const adapter = nop()
    adapter.config.settings.EA_MODE = 'writer'
    const cache = new MockCache(5)
    vi.spyOn(adapter, 'initializeDependencies').mockReturnValue({
      ...adapter.initializeDependencies.call(Object.assign(nop(), {}), { cache }),
    })
    await expect(TestAdapter.start(adapter, { testAdapter: undefined })).rejects.toThrow(
      'EA was not able to start properly',
    )
  })

  it('has metrics only when they are on, and health always', async () => {
    const without = await started(undefined, nop())
    await expect(without.getMetrics()).rejects.toThrow('without metrics')
    expect((await without.getHealth()).json()).toMatchObject({ message: 'OK' })
    set({ METRICS_ENABLED: 'true' })
    const measured = await started(undefined, nop())
    const t = recordingAssertions()
    const metrics = await measured.getMetrics()
    metrics.get(t, { name: 'ws_connection_attempt' })
    expect(t.calls).toEqual([])
  })
})

describe('requests', () => {
  it('are posted to the root as JSON, with headers of the caller', async () => {
    const foregroundExecute = vi.fn().mockResolvedValue({ result: null, data: null, statusCode: 201 })
    const testAdapter = await started(
      undefined,
      nop(Object.assign(new NopTransport(), { foregroundExecute })),
    )
    const response = await testAdapter.request({ ignored: 1 }, { 'x-own': 'yes' })
    expect([response.statusCode, response.json()]).toEqual([
      201,
      { result: null, data: null, statusCode: 201 },
    ])
    expect(foregroundExecute.mock.calls[0]?.[0]).toHaveProperty('headers.x-own', 'yes')
    expect((await testAdapter.request(undefined, { 'content-type': 'text/plain' })).statusCode).toBe(400)
    expect((await testAdapter.request()).statusCode).toBe(201)
  })

  it('let the clock run until there is an answer, however much of time is faked', async () => {
    const clock = install(1_000)
    const testAdapter = await started(clock, nop())
    const response = await testAdapter.request()
    expect(response.statusCode).toBe(504)
    expect(clock.now).toBeGreaterThanOrEqual(3_200)
  })

  it('are answered at once without retries', async () => {
    set({ CACHE_POLLING_MAX_RETRIES: '0' })
    const clock = install()
    const testAdapter = await started(clock, nop())
    expect((await testAdapter.request()).statusCode).toBe(504)
    expect(clock.now).toBeLessThan(200)
  })
})

describe('a stream on a fake clock', () => {
  it('has the times that tests have recorded with the reference', async () => {
    mockProvider()
    const clock = install()
    const testAdapter = await started(clock)
    const first = await testAdapter.request(data)
    expect(first.json()).toEqual({
      result: 1800.5,
      data: { result: 1800.5 },
      statusCode: 200,
      timestamps: { providerDataStreamEstablishedUnixMs: 1010, providerDataReceivedUnixMs: 1018 },
    })
    expect(clock.now).toBeGreaterThanOrEqual(1_200)
    const second = await testAdapter.request({ base: 'BTC', quote: 'USD' })
    expect(second.json()).toHaveProperty('timestamps.providerDataReceivedUnixMs', 2028)
  })

  it('is waited for until the cache is filled, or asked for in vain and then had', async () => {
    set({ CACHE_POLLING_MAX_RETRIES: '0' })
    mockProvider()
    const testAdapter = await started(install())
    const t = recordingAssertions()
    const response = await testAdapter.startBackgroundExecuteThenGetResponse(t, {
      requestData: data,
      expectedResponse: { result: 1800.5, data: { result: 1800.5 }, statusCode: 200 },
    })
    expect(response.statusCode).toBe(200)
    expect(t.calls[0]).toEqual(['is', 504, 504])
    expect(t.calls.at(-1)?.[0]).toBe('deepEqual')
    const other = { requestData: { base: 'BTC', quote: 'USD' }, expectedCacheSize: 2 }
    await testAdapter.startBackgroundExecuteThenGetResponse(t, other)
    expect(t.calls.slice(-2)).toEqual([
      ['is', 504, 504],
      ['is', 200, 200],
    ])
  })

  it('misses after the cache was cleared behind its back', async () => {
    set({ CACHE_POLLING_MAX_RETRIES: '0' })
    mockProvider()
    const testAdapter = await started(install())
    await testAdapter.request(data)
    await testAdapter.waitForCache()
    for (let i = 0; i < 2; i++) expect((await testAdapter.request(data)).statusCode).toBe(200)
    testAdapter.mockCache.cache.clear()
    expect((await testAdapter.request(data)).statusCode).toBe(504)
  })
})

describe('a 504', () => {
  it('has the body of the contract and nothing of ours, however much is known of the reason', async () => {
    set({ WS_API_ENDPOINT: 'ws://127.0.0.1:1', CACHE_POLLING_MAX_RETRIES: '2' })
    const testAdapter = await started()
    const response = await testAdapter.request(data)
    expect([response.statusCode, response.json()]).toEqual([
      504,
      {
        status: 'errored',
        statusCode: 504,
        error: {
          name: 'AdapterError',
          message: expect.stringMatching(/^The EA has not received any values/),
        },
      },
    ])
  })
})

describe('a stream on the real clock', () => {
  it('connects at once and answers when the value comes, also where Date.now stands still', async () => {
    mockProvider()
    // The next pass of the background is so far away that whatever comes sooner does not come from it.
    const passMs = 10_000
    set({ ...PATIENT, BACKGROUND_EXECUTE_MS_WS: String(passMs) })
    vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000)
    atEnd(() => void vi.restoreAllMocks())
    const original: (...args: unknown[]) => unknown = setTimeout as never
    const passes = { begun: 0, over: 0 }
    const noting = (callback: () => void, ms?: number, ...rest: unknown[]) => {
      if (ms !== passMs) return original(callback, ms, ...rest)
      passes.begun++
      return original(() => (passes.over++, callback()), ms)
    }
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(noting as never)
    const testAdapter = await started()
    const response = await testAdapter.request(data)
    expect(response.json()).toMatchObject({
      result: 1800.5,
      timestamps: {
        providerDataStreamEstablishedUnixMs: 1_700_000_000_000,
        providerDataReceivedUnixMs: 1_700_000_000_000,
      },
    })
    expect(passes.begun).toBeGreaterThan(0)
    expect(passes.over).toBe(0)
  })
})

describe('stopping', () => {
  it('leaves no timer of a stream behind, though nothing wakes it before', async () => {
    mockProvider()
    const clock = install()
    const testAdapter = await started(clock)
    await testAdapter.request(data)
    const closing = testAdapter.api.close()
    await clock.tickAsync(20_000)
    await closing
    expect(clock.countTimers()).toBe(0)
  })
})
