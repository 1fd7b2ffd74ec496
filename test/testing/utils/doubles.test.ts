import { EventEmitter } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LocalCache } from '../../../src/feeds/local-cache'
import { RedisCache } from '../../../src/redis/redis-cache'
import { type ResponseCache } from '../../../src/feeds/response-cache'
import { metrics } from '../../../src/metrics/registry'
import { type AdapterRequest } from '../../../src/transports/transport'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { eventually } from '../../helpers/eventually'
import {
  allowedUndefinedStubProps,
  makeStub,
  MockCache,
  MockWebsocket,
  MockWebsocketServer,
  mockWebSocketProvider,
  NopTransport,
  RedisMock,
} from '../../../src/public/util/testing-utils'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('MockCache', () => {
  it('is the local cache, and tells everybody who waits what was set next', async () => {
    const cache = new MockCache(2)
    expect(cache).toBeInstanceOf(LocalCache)
    const waiting = [cache.waitForNextSet(), cache.waitForNextSet()]
    const value = { result: 1 }
    await cache.set('a', value, 1_000)
    expect(await Promise.all(waiting)).toEqual([value, value])
    expect(await cache.get('a')).toBe(value)
    const next = cache.waitForNextSet()
    await cache.setMany([{ key: 'b', value: 2 }], 1_000)
    expect(await next).toBe(2)
    expect([...cache.cache.keys()]).toEqual(['a', 'b'])
  })

  it('keeps to its capacity after its map was cleared behind its back', async () => {
    const cache = new MockCache(1)
    await cache.set('a', 1, 1_000)
    cache.cache.clear()
    expect(await cache.get('a')).toBeUndefined()
    await cache.set('b', 2, 1_000)
    await cache.delete('b')
    expect(cache.cache.size).toBe(0)
  })
})

describe('NopTransport', () => {
  it('remembers its name and its cache, and answers nothing', async () => {
    const transport = new NopTransport()
    const responseCache = {} as ResponseCache<never>
    await transport.initialize({ responseCache } as never, {} as never, 'endpoint', 'mine')
    expect(transport).toMatchObject({ name: 'mine', responseCache })
    expect(await transport.foregroundExecute({} as AdapterRequest<never>)).toBeUndefined()
    expect(transport).not.toHaveProperty('backgroundExecute')
  })
})

describe('RedisMock', () => {
  it('stores for as long as it is told', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const redis = new RedisMock()
    await redis.set('a', '1', 'PX', 100)
    await redis.setExternalAdapterResponse('b', '{"result":2}', 100)
    expect([await redis.get('a'), await redis.get('b')]).toEqual(['1', '{"result":2}'])
    await redis.del('a')
    expect(await redis.get('a')).toBeUndefined()
    vi.setSystemTime(Date.now() + 101)
    expect(await redis.get('b')).toBeUndefined()
    vi.useRealTimers()
  })

  it('does several commands at once', async () => {
    const redis = new RedisMock()
    const chain = redis.multi().set('a', '1', 'PX', 100).setExternalAdapterResponse('b', '2', 100)
    expect(await chain.exec()).toHaveLength(2)
    expect([await redis.get('a'), await redis.get('b')]).toEqual(['1', '2'])
  })

  it('fails for keys that ask for it, in a transaction only when that is executed', async () => {
    const redis = new RedisMock()
    await expect(redis.set('a-force-error', '1', 'PX', 1)).rejects.toThrow('a-force-error')
    const chain = redis.multi().setExternalAdapterResponse('force-error', '1', 1)
    await new Promise((resolve) => setImmediate(resolve))
    await expect(chain.exec()).rejects.toMatchObject({ name: 'ReplyError' })
  })

  it('carries the Redis cache, its lock included', async () => {
    metrics.initialize()
    const log = vi.fn()
    LoggerFactoryProvider.set({ child: () => ({ info: log, warn: log, error: log, debug: log }) } as never)
    const stopping = new EventEmitter()
    const cache = new RedisCache(new RedisMock() as never, 100)
    try {
      await cache.lock('lock', 10_000, 1, stopping)
      await cache.setMany([{ key: 'a', value: { result: 1 } }], 1_000)
      await cache.set('b', { result: 2 }, 1_000)
      await cache.setTTL('b', 5_000)
      expect([await cache.get('a'), await cache.get('b')]).toEqual([{ result: 1 }, { result: 2 }])
      await cache.delete('a')
      expect(await cache.get('a')).toBeUndefined()
    } finally {
      stopping.emit('onClose')
    }
  })

  it('gives a lock to one holder', () => {
    const redis = new RedisMock()
    expect(redis.evalsha('sha', 1, ['lock', 'me', 100])).toBe(1)
    expect(redis.evalsha('sha', 1, ['lock', 'you', 100])).toBe(0)
    expect(redis.evalsha('sha', 1, ['lock', 'me', 100])).toBe(1)
    expect(redis.keys).toEqual({ lock: 'me' })
  })
})

describe('makeStub', () => {
  type Loose = Record<string, unknown>
  const strict = () => makeStub('stub', { a: { b: [{ c: 1 }] }, none: undefined, sum: () => 3 })

  it('lets through what is there', () => {
    const stub = strict()
    expect(stub.a.b[0]?.c).toBe(1)
    expect(stub.a.b.map(({ c }) => c)).toEqual([1])
    expect(stub.none).toBeUndefined()
    expect(stub.sum()).toBe(3)
    expect(JSON.stringify(stub)).toBe('{"a":{"b":[{"c":1}]}}')
    expect(stub.a).toEqual({ b: [{ c: 1 }] })
  })

  it('throws and prints at what is not, with the path', () => {
    const print = vi.spyOn(console, 'error').mockReturnValue()
    const stub = strict()
    expect(() => (stub as Loose)['x']).toThrow(new Error("Property 'stub.x' does not exist"))
    expect(() => (stub.a.b[0] as Loose)['x']).toThrow(new Error("Property 'stub.a.b.0.x' does not exist"))
    expect(() => stub.a.b[1]).toThrow(new Error("Property 'stub.a.b.1' does not exist"))
    expect(print.mock.calls.map(([text]) => text as string)).toEqual([
      "Property 'stub.x' does not exist",
      "Property 'stub.a.b.0.x' does not exist",
      "Property 'stub.a.b.1' does not exist",
    ])
  })

  it('lets through what every object is asked for, and what a test allows', async () => {
    const stub = strict()
    for (const name of ['$$typeof', 'nodeType', 'asymmetricMatch', 'then', 'toJSON', 'FEED_ID_JSON'])
      expect((stub as Loose)[name]).toBeUndefined()
    expect(await Promise.resolve(stub)).toBe(stub)
    expect((stub as unknown as Iterable<unknown>)[Symbol.iterator]).toBeUndefined()
    allowedUndefinedStubProps.push('NEW_SETTING')
    expect((stub as Loose)['NEW_SETTING']).toBeUndefined()
    allowedUndefinedStubProps.pop()
  })

  it('leaves values alone that are no objects, and frozen objects whole', () => {
    expect(makeStub('x', 5)).toBe(5)
    expect(makeStub('x', null)).toBeNull()
    expect(makeStub('x', Object.freeze({ inner: { a: 1 } })).inner.a).toBe(1)
  })
})

describe('mockWebSocketProvider', () => {
  interface Double extends MockWebsocket {
    removeAllListeners: () => void
    on: (event: string, listener: (...args: unknown[]) => void) => unknown
    emit: (event: string, ...args: unknown[]) => boolean
  }

  const connected = async (
    test: (socket: Double, fromServer: (text: string) => void, received: string[]) => unknown,
  ) => {
    let ctor: unknown
    mockWebSocketProvider({ set: (given: unknown) => (ctor = given) } as never)
    const url = 'wss://mock.example/doubles'
    const server = new MockWebsocketServer(url, { mock: false })
    const received: string[] = []
    let fromServer = (_text: string): void => {}
    server.on('connection', (client) => {
      client.on('message', (text) => void received.push(text as string))
      fromServer = (text) => client.send(text)
    })
    try {
      const socket = new (ctor as typeof MockWebsocket)(url) as Double
      await new Promise<void>((resolve) => socket.addEventListener('open', () => resolve()))
      await test(socket, (text) => fromServer(text), received)
    } finally {
      server.close()
    }
  }

  it('makes sockets that talk to a mock server, and can be rid of their own listeners alone', () =>
    connected(async (socket, fromServer, received) => {
      const heard = vi.fn()
      socket.addEventListener('message', heard)
      fromServer('hello')
      expect(heard).toHaveBeenCalledWith(expect.objectContaining({ data: 'hello' }))
      socket.removeAllListeners()
      fromServer('again')
      expect(heard).toHaveBeenCalledOnce()
      socket.send('hello yourself')
      await eventually(() => expect(received).toEqual(['hello yourself']))
      expect(socket).toBeInstanceOf(MockWebsocket)
    }))

  it('emits what a test wants heard', () =>
    connected((socket) => {
      const pong = vi.fn()
      expect(socket.emit('pong')).toBe(false)
      socket.on('pong', pong)
      socket.on('pong', pong)
      expect(socket.emit('pong', 'data')).toBe(true)
      expect(pong.mock.calls).toEqual([['data'], ['data']])
      socket.removeAllListeners()
      expect(socket.emit('pong')).toBe(false)
    }))
})
