import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { outageOf } from '../../../src/transports/capabilities'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { eventually } from '../../helpers/eventually'
import { elapse } from './held-clock'
import { inTime } from './in-time'
import { BTC, config, ETH, FAKED, logged, start, tick, type Types } from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})
afterEach(() => void vi.useRealTimers())

const WANTED = { WS_SUBSCRIPTION_TTL: '3600000', WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000' }

describe('a peer that is half open', () => {
  it('CN-2: is given up when it answers no ping, with the reason, and everything is subscribed on another connection', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url, { ping: { everyMs: 5_000, pongWithinMs: 2_000 } })
    const reasons: unknown[] = []
    of.handlers.close = () => void reasons.push(outageOf(service.transport))
    await using service = await start(of, WANTED)
    await service.transport.want(ETH, 'eth')
    const first = await provider.connection(0)
    await first.next()
    await elapse(5_000)
    await first.nextPing()
    await elapse(4_000)
    expect(provider.connections).toHaveLength(1)
    first.freeze()
    await elapse(4_000)
    await eventually(() => expect(reasons).toHaveLength(1))
    expect(reasons[0]).toMatchObject({
      code: 'UNRESPONSIVE',
      message: 'The provider answered no ping within 2 s',
    })
    await elapse(1_000)
    expect(await (await provider.connection(1)).next()).toBe('+ETH/USD')
  })

  it('is the reason until the next connection is there, when nothing usable came on it for too long', async () => {
    await using provider = await wsProvider()
    const settings = { ...WANTED, WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '5000' }
    await using service = await start(config(provider.url), settings)
    await service.transport.want(ETH, 'eth')
    await (await provider.connection(0)).next()
    provider.hang()
    await elapse(7_000)
    await provider.handshake(2)
    expect(outageOf(service.transport)).toMatchObject({
      code: 'UNRESPONSIVE',
      message: 'Nothing usable has come on the connection for too long: it is replaced',
    })
    provider.accept()
    await elapse(20_000)
    await (await provider.connection(1)).next()
    await eventually(() => expect(outageOf(service.transport)).toBeUndefined())
  })

  it('gets no pings unless that is asked for', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), WANTED)
    await service.transport.want(ETH, 'eth')
    const first = await provider.connection(0)
    await first.next()
    let wasPinged = false
    first.nextPing().then(
      () => (wasPinged = true),
      () => {},
    )
    await elapse(60_000, 1_000)
    expect(wasPinged).toBe(false)
  })

  it('CN-12: is replaced when it does not read and too much waits for it', async () => {
    await using provider = await wsProvider()
    let size = 0
    const of = config(provider.url, {
      builders: { subscribeMessage: ({ base }) => base.padEnd(size, '.') },
    })
    await using service = await start(of, WANTED)
    await service.transport.want(ETH, 'eth')
    const first = await provider.connection(0)
    await first.next()
    first.freeze()
    size = 30 * 1024 * 1024
    await service.transport.want({ base: 'BTC', quote: 'USD' }, 'btc')
    await eventually(() =>
      expect(outageOf(service.transport)?.message).toContain('The provider does not read'),
    )
    size = 0
    await elapse(1_000)
    const second = await provider.connection(1)
    expect([await second.next(), await second.next()]).toEqual(['ETH', 'BTC'])
  })

  it('CN-2: is given up on a further connection as well, when nothing usable came on it for too long; the other connections go on', async () => {
    await using provider = await wsProvider()
    const live = provider.connections
    const feeds = ['A', 'B', 'C'].map((base) => ({ base, quote: 'USD' }))
    const subscribed = (at: number) => live[at]?.received.filter((text) => text.startsWith('+')) ?? []
    let frozen = -1
    const ticks = setInterval(() => {
      live.forEach((connection, at) => {
        const feed = feeds.find(({ base }) => `+${base}/USD` === subscribed(at)[0])
        if (feed !== undefined && at !== frozen && connection.isOpen) connection.send(tick(feed, 1))
      })
    }, 500)
    onTestFinished(() => clearInterval(ticks))
    const of = config(provider.url, { limits: { subscriptionsPerConnection: 1 } })
    await using service = await start(of, { ...WANTED, WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '5000' })
    for (const feed of feeds) await service.transport.want(feed, feed.base)
    await inTime(() => live.length === 3 && live.every((_, at) => subscribed(at).length === 1))
    const counted = service.transport.streamHandlerInvocationsWithNoConnection
    frozen = 1
    live[1]!.freeze()
    const frozenAt = Date.now()
    await inTime(() => subscribed(3).length === 1)
    const tookMs = Date.now() - frozenAt
    live[1]!.thaw()
    expect(tookMs).toBeLessThan(9_000)
    expect(subscribed(3)).toEqual(subscribed(1))
    expect([0, 2, 3].map((at) => live[at]!.isOpen)).toEqual([true, true, true])
    expect(live).toHaveLength(4)
    // Nothing was counted as a loss of the main connection.
    expect(service.transport.streamHandlerInvocationsWithNoConnection).toBe(counted)
  })

  it('CN-2: is given up on the connection of feeds that were silent elsewhere, which come home', async () => {
    await using provider = await wsProvider()
    const live = provider.connections
    let isFrozen = false
    // The main connection is deaf to one of both feeds.
    const ticks = setInterval(() => {
      live[0]?.send(tick(BTC, 1))
      if (live[1]?.received.length === 1 && !isFrozen) live[1].send(tick(ETH, 1))
    }, 500)
    onTestFinished(() => clearInterval(ticks))
    await using service = await start(config(provider.url), {
      ...WANTED,
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '5000',
      CACHE_MAX_AGE: '3600000',
    })
    await service.transport.want(BTC, 'btc')
    await service.transport.want(ETH, 'eth')
    await inTime(() => live.length === 2 && live[1]!.received.length === 1)
    const [main, other] = live
    const isServed = () => service.transport.responseCache.feed(service.transport.name, ETH).sets
    await inTime(() => isServed() > 3)
    const before = main!.received.length
    isFrozen = true
    other!.freeze()
    const frozenAt = Date.now()
    await inTime(() => main!.received.length > before)
    const tookMs = Date.now() - frozenAt
    other!.thaw()
    // Sooner than the feed alone would count as silent there.
    expect(tookMs).toBeLessThan(9_000)
    expect(main!.received.at(-1)).toBe('+ETH/USD')
    expect(main!.isOpen).toBe(true)
  })
})

it.each([{ everyMs: 0 }, { pongWithinMs: NaN }])('ping %j is refused at once, by its name', (ping) => {
  const [name] = Object.keys(ping)
  expect(() => new WebSocketTransport<Types>(config('ws://localhost', { ping }))).toThrow(`ping.${name}`)
})
