import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { leaveConnection, outageOf } from '../../../src/transports/capabilities'
import { type ProviderConnection } from '../../../src/testing/provider-connection'
import { wsProvider } from '../../../src/testing/ws-provider'
import { monotonicMs } from '../../../src/util/clock'
import { inTime } from './in-time'
import { config, FAKED, type Params, type Running, start, tick } from './support'

beforeEach(() => void vi.useFakeTimers(FAKED))
afterEach(() => void vi.useRealTimers())

const feed = (base: string): Params => ({ base, quote: 'USD' })
const feedsOf = (count: number, prefix = 'F') => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const ENV = { WS_SUBSCRIPTION_TTL: '3600000', CACHE_MAX_AGE: '3600000' }

/** What is subscribed on a connection at the provider. */
const subscribedOn = ({ received }: ProviderConnection): string[] => {
  const feeds: string[] = []
  for (const text of received)
    if (text.startsWith('+')) feeds.push(text.slice(1, -4))
    else feeds.splice(feeds.indexOf(text.slice(1, -4)), 1)
  return feeds
}

/** A provider with a limit of subscriptions per connection, which closes those that exceed it, and those with poison. */
const venue = async (limit: number, poison: string[] = []) => {
  const provider = await wsProvider()
  const log: { text: string; atMs: number; on: number }[] = []
  const exceeded: string[] = []
  provider.onMessage((text, connection) => {
    log.push({ text, atMs: monotonicMs(), on: connection.index })
    if (!text.startsWith('+')) return
    const base = text.slice(1, -4)
    if (subscribedOn(connection).length > limit) exceeded.push(text)
    if (poison.includes(base)) connection.close(1008)
    else connection.send(tick(feed(base), 7))
  })
  const live = () => provider.connections.filter(({ isOpen }) => isOpen)
  return { provider, log, exceeded, live, all: () => live().flatMap(subscribedOn) }
}

const want = async (service: Running, ...bases: string[]) => {
  const { transport } = service
  for (const base of bases)
    await transport.want(feed(base), transport.responseCache.getCacheKey(transport.name, feed(base)))
}

describe('feeds beyond the limit of subscriptions per connection', () => {
  it('go to further connections, none of which ever has more than the limit, and all are served', async () => {
    const at = await venue(4)
    await using provider = at.provider
    await using service = await start(
      config(provider.url, { limits: { subscriptionsPerConnection: 4 } }),
      ENV,
    )
    const all = feedsOf(10)
    await want(service, ...all)
    await inTime(() => at.all().length === 10)
    expect(at.all().sort()).toEqual(all)
    expect(at.live().map((connection) => subscribedOn(connection).length)).toEqual([4, 4, 2])
    expect(at.exceeded).toEqual([])
    for (const base of all) expect((await service.post(feed(base))).json.result).toBe(7)
    // The contract's counters and members are those of the main one.
    expect(await service.metric('ws_connection_active')).toBe(1)
  })

  it('SB-7: are within the limit of connects although many of them are needed in one moment, and options take their time', async () => {
    const at = await venue(2)
    await using provider = at.provider
    const opened: number[] = []
    provider.onConnection(() => opened.push(monotonicMs()))
    const connects = { count: 4, perMs: 10_000 }
    await using service = await start(
      config(provider.url, {
        limits: { subscriptionsPerConnection: 2, connects },
        options: async () => {
          await new Promise(setImmediate)
          return {}
        },
      }),
      ENV,
    )
    await want(service, ...feedsOf(24))
    await inTime(() => at.all().length === 24)
    const most = Math.max(
      ...opened.map((from) => opened.filter((ms) => ms >= from && ms < from + connects.perMs).length),
    )
    // One is left to the main connection.
    expect(most).toBe(connects.count - 1)
    expect(opened).toHaveLength(12)
  })

  it('SB-8: a new one moves none, and the loss of a connection concerns its own only', async () => {
    const at = await venue(3)
    await using provider = at.provider
    await using service = await start(
      config(provider.url, { limits: { subscriptionsPerConnection: 3 } }),
      ENV,
    )
    await want(service, ...feedsOf(7))
    await inTime(() => at.all().length === 7)
    await want(service, 'NEW')
    await inTime(() => at.all().length === 8)
    // Each was subscribed once.
    expect(at.log.map(({ text }) => text)).toHaveLength(8)
    const [main, second, third] = at.live()
    expect(subscribedOn(third!)).toEqual(['F6', 'NEW'])
    const counter = service.transport.streamHandlerInvocationsWithNoConnection
    second!.destroy()
    await inTime(() => at.all().length === 8 && at.live().length === 3)
    expect(at.log.slice(8).map(({ text }) => text)).toEqual(['+F3/USD', '+F4/USD', '+F5/USD'])
    expect([main!.isOpen, third!.isOpen]).toEqual([true, true])
    expect(service.transport.streamHandlerInvocationsWithNoConnection).toBe(counter)
    main!.destroy()
    await inTime(() => at.all().length === 8 && at.live().length === 3)
    expect(at.log.slice(11).map(({ text }) => text)).toEqual(['+F0/USD', '+F1/USD', '+F2/USD'])
  })

  it('are found where one of them is poison, and only its connection suffers', async () => {
    const at = await venue(4, ['POISON'])
    await using provider = at.provider
    await using service = await start(
      config(provider.url, { limits: { subscriptionsPerConnection: 4 } }),
      ENV,
    )
    await want(service, ...feedsOf(6))
    await inTime(() => at.all().length === 6)
    const [main] = at.live()
    await want(service, 'POISON')
    await inTime(() => outageOf(service.transport, feed('POISON'))?.code === 'QUARANTINED')
    await inTime(() => at.all().length === 6 && at.live().length === 2)
    expect(main!.isOpen).toBe(true)
    expect(at.exceeded).toEqual([])
    expect(at.all().sort()).toEqual(feedsOf(6))
  })

  it('are subscribed in time although the author’s options once do not come for their connection', async () => {
    const at = await venue(2)
    await using provider = at.provider
    let calls = 0
    const options = () => (++calls === 2 ? new Promise<never>(() => {}) : {})
    await using service = await start(
      config(provider.url, { limits: { subscriptionsPerConnection: 2 }, options }),
      ENV,
    )
    await want(service, ...feedsOf(4))
    await inTime(() => at.all().length === 4)
    expect(calls).toBe(3)
  })

  it('IS-4: are left with all connections when the adapter begins again, and what those still say is not served', async () => {
    const at = await venue(2)
    await using provider = at.provider
    await using service = await start(
      config(provider.url, { limits: { subscriptionsPerConnection: 2 } }),
      ENV,
    )
    const all = feedsOf(5)
    await want(service, ...all)
    await inTime(() => at.all().length === 5)
    const old = at.live()
    expect(old).toHaveLength(3)
    for (const connection of old) connection.freeze()
    leaveConnection(service.transport)
    for (const connection of old) for (const base of all) connection.send(tick(feed(base), 99))
    for (const connection of old) connection.thaw()
    await inTime(() => old.every(({ isOpen }) => !isOpen) && at.all().length === 5)
    expect(at.all().sort()).toEqual(all)
    for (const base of all) expect((await service.post(feed(base))).json.result).toBe(7)
    expect(at.exceeded).toEqual([])
  })

  it('end with their connection when nobody wants them any more, and with the transport', async () => {
    const at = await venue(2)
    await using provider = at.provider
    const service = await start(config(provider.url, { limits: { subscriptionsPerConnection: 2 } }), {
      ...ENV,
      WS_SUBSCRIPTION_TTL: '60000',
    })
    await want(service, ...feedsOf(3))
    await inTime(() => at.all().length === 3)
    await vi.advanceTimersByTimeAsync(30_000)
    await want(service, 'F0', 'F1')
    await inTime(() => at.live().length === 1, 500)
    await want(service, ...feedsOf(5))
    await inTime(() => at.all().length === 5)
    expect(at.live()).toHaveLength(3)
    await service.stop()
    await inTime(() => provider.openCount === 0)
  })
})
