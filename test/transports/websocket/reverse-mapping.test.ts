import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { KnownRoom } from '../../../src/feeds/feed-rooms'
import { ResponseCache } from '../../../src/feeds/response-cache'
import { wsProvider } from '../../../src/testing/ws-provider'
import { WebsocketReverseMappingTransport } from '../../../src/transports/websocket/reverse-mapping-transport'
import {
  BTC,
  config,
  ETH,
  FAKED,
  linesAt,
  logged,
  run,
  type Config,
  type Params,
  type Types,
} from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})

afterEach(() => {
  vi.useRealTimers()
})

/** A provider that answers with ids: base in lower case. */
const mapped = (url: string) => {
  const of: Config = config(url, {
    builders: {
      subscribeMessage: (params: Params) => {
        transport.setReverseMapping(params.base.toLowerCase(), params)
        return `+${params.base}`
      },
      unsubscribeMessage: ({ base }: Params) => `-${base}`,
    },
  })
  of.handlers.message = (message) => {
    const { id, price } = message as unknown as { id: string; price: number }
    const params = transport.getReverseMapping(id)
    return params && [{ params, response: { result: price, data: { result: price } } }]
  }
  const transport = new WebsocketReverseMappingTransport<Types, string>(of)
  return transport
}

describe('a reverse mapping', () => {
  it('leads from a value of the provider to the params of its feed', () => {
    const transport = new WebsocketReverseMappingTransport<Types, string | number>(config('wss://x.example'))
    transport.setReverseMapping('eth', ETH)
    transport.setReverseMapping(7, BTC)
    expect(transport.getReverseMapping('eth')).toBe(ETH)
    expect(transport.getReverseMapping(7)).toBe(BTC)
    transport.setReverseMapping('eth', BTC)
    expect(transport.getReverseMapping('eth')).toBe(BTC)
  })

  it('RS-1: is forgotten, from the oldest on, where what is known of feeds takes too much memory', () => {
    const transport = new WebsocketReverseMappingTransport<Types, string>(config('wss://x.example'))
    const rooms = { known: new KnownRoom(200_000) }
    const responseCache = Object.assign(Object.create(ResponseCache.prototype) as object, { rooms })
    Object.assign(transport, { responseCache, refuse: () => {} })
    const ids = Array.from({ length: 50 }, (_, n) => `${n} ${'x'.repeat(10_000)}`)
    for (const id of ids) transport.setReverseMapping(id, ETH)
    const held = ids.filter((id) => transport.getReverseMapping(id) === ETH)
    expect(held).toEqual(ids.slice(-held.length))
    expect(held.length).toBeGreaterThan(0)
    expect(held.length).toBeLessThan(11)
  })

  it('ID-3: that there is none of costs the message, and is counted', async () => {
    await using provider = await wsProvider()
    await using service = await run(mapped(provider.url))
    const asked = service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    connection.send({ id: 'doge', price: 1 })
    connection.send({ id: '__proto__', price: 1 })
    connection.send({ id: 'eth', price: 2 })
    expect((await asked).json.result).toBe(2)
    expect(await service.metric('data_refused_total', { reason: 'unknown-feed' })).toBe(2)
    expect(linesAt('info', 'warn', 'error')).toEqual([])
  })

  it('still serves late messages of a feed just unsubscribed, and goes a minute later', async () => {
    await using provider = await wsProvider()
    const transport = mapped(provider.url)
    await using service = await run(transport, { WS_SUBSCRIPTION_TTL: '5000' })
    void service.post(ETH)
    void service.post(BTC)
    const connection = await provider.connection()
    await connection.next((text) => text === '+ETH')
    await connection.next((text) => text === '+BTC')
    const keepBtc = async (ms: number) => {
      for (let past = 0; past < ms; past += 3_000) {
        void service.post(BTC)
        await vi.advanceTimersByTimeAsync(3_000)
      }
    }
    await keepBtc(9_000)
    expect(await connection.next()).toBe('-ETH')
    expect(transport.getReverseMapping('eth')).toEqual(ETH)
    await keepBtc(48_000)
    expect(transport.getReverseMapping('eth')).toEqual(ETH)
    await keepBtc(12_000)
    expect(transport.getReverseMapping('eth')).toBeUndefined()
    expect(transport.getReverseMapping('btc')).toEqual(BTC)
  })

  it('stays when its feed is wanted again within the minute', async () => {
    await using provider = await wsProvider()
    const transport = mapped(provider.url)
    await using service = await run(transport, { WS_SUBSCRIPTION_TTL: '5000' })
    void service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    await vi.advanceTimersByTimeAsync(8_000)
    expect(await connection.next()).toBe('-ETH')
    for (let i = 0; i < 25; i++) {
      void service.post(ETH)
      await vi.advanceTimersByTimeAsync(3_000)
    }
    expect(transport.getReverseMapping('eth')).toEqual(ETH)
  })

  it('is bounded in number', () => {
    const transport = new WebsocketReverseMappingTransport<Types, number>(config('wss://x.example'))
    for (let i = 0; i <= 100_000; i++) transport.setReverseMapping(i, ETH)
    expect(transport.getReverseMapping(100_000)).toBe(ETH)
    expect(transport.getReverseMapping(1)).toBe(ETH)
    const { mappings } = transport as unknown as { mappings: Map<number, unknown> }
    expect(mappings.size).toBe(100_000)
    expect(mappings.has(0)).toBe(false)
  })
})
