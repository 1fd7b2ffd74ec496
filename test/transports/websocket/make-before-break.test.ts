import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ProviderConnection } from '../../../src/testing/provider-connection'
import { type WsProvider, wsProvider } from '../../../src/testing/ws-provider'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { type EndpointContext } from '../../../src/transports/transport'
import { monotonicMs } from '../../../src/util/clock'
import { priceOf, startBatching, Venue as Batched } from './batch-rig'
import { inTime } from './in-time'
import {
  type Config,
  config,
  FAKED,
  linesAt,
  logged,
  type Params,
  run,
  type Running,
  start,
  tick,
  type Types,
} from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})
afterEach(() => void vi.useRealTimers())

const feed = (base: string): Params => ({ base, quote: 'USD' })
const feedsOf = (count: number) => Array.from({ length: count }, (_, i) => `F${i}`)
const ENV = { WS_SUBSCRIPTION_TTL: '3600000', CACHE_MAX_AGE: '90000', BACKGROUND_EXECUTE_MS_WS: '500' }
const TICK_MS = 1_000
const AGE_MS = 20_000

const subscribedOn = ({ received }: ProviderConnection): string[] => {
  const feeds = new Set<string>()
  for (const text of received)
    if (text.startsWith('+')) feeds.add(text.slice(1, -4))
    else feeds.delete(text.slice(1, -4))
  return [...feeds]
}

interface Venue extends AsyncDisposable {
  provider: WsProvider
  /** Whether a connection gets ticks. */
  ticks: (connection: ProviderConnection) => boolean
  /** Whether a connection gets none of one feed. */
  deaf: (connection: ProviderConnection, base: string) => boolean
  opened: number[]
  mostOpen: number
  live: () => ProviderConnection[]
}

/** A provider that sends a tick of every subscribed feed once per interval, on each connection. */
const venue = async (): Promise<Venue> => {
  const provider = await wsProvider()
  let price = 0
  const at: Venue = {
    provider,
    ticks: () => true,
    deaf: () => false,
    opened: [],
    mostOpen: 0,
    live: () => provider.connections.filter(({ isOpen }) => isOpen),
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await provider.stop()
    },
  }
  const timer = setInterval(() => {
    price++
    for (const connection of at.live())
      if (at.ticks(connection))
        for (const base of subscribedOn(connection))
          if (!at.deaf(connection, base)) connection.send(tick(feed(base), price))
  }, TICK_MS)
  provider.onConnection(() => {
    at.opened.push(monotonicMs())
    at.mostOpen = Math.max(at.mostOpen, at.live().length)
  })
  return at
}

const want = async ({ transport }: Running, ...bases: string[]) => {
  for (const base of bases)
    await transport.want(feed(base), transport.responseCache.getCacheKey(transport.name, feed(base)))
}

const writesOf = ({ transport }: Running, base: string): number =>
  transport.responseCache.feed(transport.name, feed(base)).sets

const recycled = (url: Config['url'] | string, changes: Partial<Config> = {}) =>
  config(url, { limits: { maxAgeMs: AGE_MS }, makeBeforeBreak: true, ...changes })

describe('a connection that makes before it breaks', () => {
  it('CN-8: that is too old goes on until each feed has come on the next, no gap is longer than a tick, and what it still sends is ignored', async () => {
    await using at = await venue()
    const late = vi.fn()
    class Watched extends WebSocketTransport<Types> {
      override startHeartbeat(context: EndpointContext<Types>): void {
        super.startHeartbeat(context)
        const [first, second] = at.provider.connections
        if (this.currentUrl === '' || second === undefined || Object.hasOwn(this, 'isTold')) return
        // Not for the lane, which has the place of a transport without a URL of its own to tell of.
        if (this !== transport) return
        Object.assign(this, { isTold: true })
        late(first!.isOpen)
        first!.send(tick(feed('F0'), 666_666))
      }
    }
    const transport: Watched = new Watched(recycled(at.provider.url))
    await using service = await run(transport, ENV)
    const all = feedsOf(5)
    await want(service, ...all)
    await inTime(() => at.live().length === 1 && all.every((base) => writesOf(service, base) > 0))
    const [first] = at.provider.connections
    const openedAt = transport.connectionOpenedAt
    const attempts = (await service.metric('ws_connection_attempt')) ?? 0
    const begunMs = monotonicMs()
    const last = new Map(all.map((base) => [base, { writes: 0, atMs: begunMs }]))
    let longestMs = 0
    let carriedBefore: string[] | undefined
    await inTime(() => {
      const now = monotonicMs()
      for (const base of all) {
        const seen = last.get(base)!
        const writes = writesOf(service, base)
        longestMs = Math.max(longestMs, now - seen.atMs)
        if (writes !== seen.writes) last.set(base, { writes, atMs: now })
      }
      if (at.live().length === 2) carriedBefore = subscribedOn(at.live()[1]!)
      return transport.connectionOpenedAt !== openedAt && !first!.isOpen && now - begunMs > AGE_MS
    })
    expect(carriedBefore).toEqual(all)
    expect(longestMs).toBeLessThanOrEqual(TICK_MS + 100)
    expect(late).toHaveBeenCalledExactlyOnceWith(true)
    expect(await first!.closed).toMatchObject({ code: 1000 })
    expect(at.opened[1]! - at.opened[0]!).toBeGreaterThan(0.8 * AGE_MS - 1_000)
    expect(at.opened[1]! - at.opened[0]!).toBeLessThan(0.9 * AGE_MS + 2_000)
    expect(at.provider.connections[1]!.received).toHaveLength(5)
    for (const base of all) expect((await service.post(feed(base))).json.result).not.toBe(666_666)
    // As after a reconnect.
    expect(await service.metric('ws_connection_active')).toBe(1)
    expect(await service.metric('ws_connection_attempt')).toBe(attempts + 1)
    expect(transport.streamHandlerInvocationsWithNoConnection).toBe(1)
    expect(linesAt('warn', 'error')).toEqual([])
    // And again.
    await want(service, 'NEW')
    await inTime(() => at.provider.connections.length === 3 && at.live().length === 1)
    expect(subscribedOn(at.live()[0]!).sort()).toEqual([...all, 'NEW'].sort())
  })

  it('goes on where the next one brings nothing of what it brings, with growing pauses, until one does', async () => {
    await using at = await venue()
    at.ticks = ({ index }) => index === 0
    await using service = await start(recycled(at.provider.url), ENV)
    await want(service, 'F0', 'F1')
    const [first] = [await at.provider.connection(0)]
    await inTime(() => at.provider.connections.length === 6, 250)
    expect(first.isOpen).toBe(true)
    expect(service.transport.connectionClosed()).toBe(false)
    const pauses = at.opened.slice(2).map((ms, i) => ms - at.opened[i + 1]!)
    // 15 s for the first data, and half to all of 1, 2, 4 and 8 s.
    for (const [i, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(15_000 + 500 * 2 ** i)
      expect(pause).toBeLessThanOrEqual(15_000 + 1_000 * 2 ** i + 2_000)
    }
    expect(at.mostOpen).toBe(2)
    at.ticks = () => true
    await inTime(() => !first.isOpen, 250)
    expect(at.live()).toHaveLength(1)
    expect(subscribedOn(at.live()[0]!)).toEqual(['F0', 'F1'])
  })

  it('goes on where no other can be opened, and where the next is closed before it is up', async () => {
    await using at = await venue()
    await using service = await start(recycled(at.provider.url), ENV)
    await want(service, 'F0')
    const first = await at.provider.connection(0)
    await inTime(() => writesOf(service, 'F0') > 0)
    at.provider.refuse(503)
    await inTime(() => at.provider.handshakes >= 4, 250)
    at.ticks = ({ index }) => index === 0
    at.provider.onMessage((_, connection) => {
      if (connection.index > 0 && connection.index < 3) connection.destroy()
    })
    at.provider.accept()
    await inTime(() => at.provider.connections.length >= 3, 250)
    expect(first.isOpen).toBe(true)
    expect(service.transport.wsConnection?.readyState).toBe(1)
    expect(service.transport.streamHandlerInvocationsWithNoConnection).toBe(1)
    expect((await service.post(feed('F0'))).json.result).toBeGreaterThan(0)
  })

  it('moves although nothing ticks, when the time for the first data is over', async () => {
    await using at = await venue()
    at.ticks = () => false
    await using service = await start(recycled(at.provider.url, { firstDataMs: 5_000 }), {
      ...ENV,
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000',
    })
    await want(service, 'F0')
    await inTime(() => at.provider.connections.length === 2, 250)
    const openMs = monotonicMs()
    await inTime(() => at.live().length === 1, 250)
    expect(monotonicMs() - openMs).toBeGreaterThan(4_000)
    expect(at.live()[0]!.index).toBe(1)
  })

  it('takes the next one at once when the provider closes the old one first', async () => {
    await using at = await venue()
    at.ticks = ({ index }) => index === 0
    await using service = await start(recycled(at.provider.url), ENV)
    await want(service, 'F0', 'F1')
    await inTime(
      () => at.provider.connections.length === 2 && subscribedOn(at.provider.connections[1]!).length === 2,
    )
    at.live()[0]!.destroy()
    at.ticks = () => true
    const before = writesOf(service, 'F0')
    const lostMs = monotonicMs()
    await inTime(() => writesOf(service, 'F0') > before)
    expect(monotonicMs() - lostMs).toBeLessThanOrEqual(2 * TICK_MS)
    expect(at.provider.connections).toHaveLength(2)
    expect(at.provider.connections[1]!.received).toHaveLength(2)
    expect(linesAt('warn').filter((text) => text.includes('goes on'))).toEqual([])
  })

  it('SB-9: goes to another URL likewise, and is at the old one until then', async () => {
    await using a = await venue()
    await using b = await venue()
    let url = a.provider.url
    b.ticks = () => false
    await using service = await start(
      config(() => url, { makeBeforeBreak: true }),
      ENV,
    )
    const { transport } = service
    await want(service, 'F0')
    await inTime(() => writesOf(service, 'F0') > 1)
    url = b.provider.url
    await inTime(() => b.live().length === 1 && subscribedOn(b.live()[0]!).length === 1)
    expect(transport.currentUrl).toBe(a.provider.url)
    expect(a.live()).toHaveLength(1)
    await want(service, 'F1')
    await inTime(() => subscribedOn(a.live()[0]!).length === 2 && subscribedOn(b.live()[0]!).length === 2)
    b.ticks = () => true
    await inTime(() => a.live().length === 0)
    expect(transport.currentUrl).toBe(b.provider.url)
    expect(b.live()[0]!.received).toHaveLength(2)
  })

  it('CN-7: breaks before it makes where one connection is allowed', async () => {
    await using at = await venue()
    await using service = await start(recycled(at.provider.url, { singleConnection: true }), ENV)
    await want(service, 'F0')
    await inTime(() => at.provider.connections.length === 3, 250)
    expect(at.mostOpen).toBe(1)
  })

  it('keeps the limit of messages over both connections', async () => {
    await using at = await venue()
    const log: number[] = []
    at.provider.onMessage(() => log.push(monotonicMs()))
    const messages = { count: 5, perMs: 2_000 }
    await using service = await start(
      recycled(at.provider.url, { limits: { maxAgeMs: AGE_MS, messages } }),
      ENV,
    )
    await want(service, ...feedsOf(12))
    await inTime(() => at.provider.connections.length === 2 && at.live().length === 1)
    expect(subscribedOn(at.live()[0]!)).toHaveLength(12)
    const most = Math.max(
      ...log.map((from) => log.filter((ms) => ms >= from && ms < from + messages.perMs).length),
    )
    expect(most).toBe(messages.count)
    expect(log).toHaveLength(24)
  })

  it('leaves no connection when it stops in the middle', async () => {
    await using at = await venue()
    at.ticks = ({ index }) => index === 0
    const service = await start(recycled(at.provider.url), ENV)
    await want(service, 'F0')
    await inTime(() => at.live().length === 2)
    await service.stop()
    await inTime(() => at.provider.openCount === 0)
    expect(at.provider.connections).toHaveLength(2)
  })

  it('is opened with a credential that is good then, and goes on when that is refused', async () => {
    await using at = await venue()
    let key = 'A'
    const of = recycled(at.provider.url, {
      credential: { fetch: () => ({ value: key, expiresInMs: 10_000 }) },
      options: (_context, _feeds, parameters) => ({ headers: { key: parameters!.credential } }),
    })
    await using service = await start(of, ENV)
    await want(service, 'F0')
    await inTime(() => at.live().length === 1)
    key = 'B'
    await inTime(() => at.provider.connections.length === 2 && at.live().length === 1, 250)
    expect(at.provider.connections.map(({ headers }) => headers.key)).toEqual(['A', 'B'])
    const handshakes = at.provider.handshakes
    at.provider.refuse(401)
    await inTime(() => at.provider.handshakes > handshakes, 250)
    const writes = writesOf(service, 'F0')
    await inTime(() => writesOf(service, 'F0') > writes + 5)
    expect(at.live()).toHaveLength(1)
    await want(service, 'F1')
    await inTime(() => subscribedOn(at.live()[0]!).length === 2)
  })
})

describe('a connection that makes before it breaks and asks in batches', () => {
  it.each([false, true])(
    'goes on with what was asked and answered on the next one (numbers: %s)',
    async (hasNumbers) => {
      await using provider = await wsProvider()
      const at = new Batched(provider, hasNumbers)
      const declared = { limits: { maxAgeMs: AGE_MS }, makeBeforeBreak: true }
      await using service = await startBatching(at, { WS_SUBSCRIPTION_TTL: '3600000' }, declared)
      const symbols = ['S0', 'S1', 'S2', 'S3']
      at.mannerOf = (symbol) => (symbol === 'S3' ? 'refuse' : 'accept')
      for (const s of symbols) void service.post({ s })
      await inTime(() => at.subscribed.length === 3)
      await inTime(() => provider.connections.length === 2 && at.open.length === 1, 250)
      const { length } = at.sent
      const asked = at.sent.filter(({ connection }) => connection === 1).flatMap(({ s }) => s)
      expect(asked.sort()).toEqual(symbols)
      // Its channels are known, and what is unwanted and wanted goes on with them.
      at.tick()
      await inTime(() => true)
      for (const s of symbols.slice(0, 3)) expect((await service.post({ s })).json.result).toBe(priceOf(s))
      expect((await service.post({ s: 'S3' })).json.errorMessage).toBe('S3 is not listed')
      void service.post({ s: 'S4' })
      await inTime(() => at.subscribed.length === 4)
      expect(at.sent.slice(length).flatMap(({ s }) => s)).toEqual(['S4'])
      expect(at.open).toHaveLength(1)
    },
  )
})

describe('further connections that are too old', () => {
  const limits = { maxAgeMs: AGE_MS, subscriptionsPerConnection: 2 }

  it.each([
    ['before it breaks', true, 5],
    ['after it broke', false, 4],
  ])('are replaced one at a time, each made %s', async (_, makeBeforeBreak, mostOpen) => {
    await using at = await venue()
    await using service = await start(config(at.provider.url, { limits, makeBeforeBreak }), ENV)
    const all = feedsOf(6)
    await want(service, ...all)
    await inTime(() => at.live().length === 3 && at.live().flatMap(subscribedOn).length === 6)
    // The main one is replaced by itself.
    at.mostOpen = 0
    const first = at.provider.connections.slice(0, 3)
    const carried = first.map(subscribedOn)
    const closed: number[] = []
    let mostGone = 0
    await inTime(() => {
      for (const { index, isOpen } of first) if (!isOpen && !closed.includes(index)) closed.push(index)
      const there = new Set(at.live().flatMap(subscribedOn))
      mostGone = Math.max(mostGone, all.filter((base) => !there.has(base)).length)
      return closed.length === 3 && there.size === 6 && at.live().length === 3
    })
    expect(
      at
        .live()
        .map((connection) => subscribedOn(connection).join())
        .sort(),
    ).toEqual(carried.map((feeds) => feeds.join()).sort())
    expect(at.provider.connections).toHaveLength(6)
    const ages = first.map((_, i) => Math.min(...at.opened.slice(3)) - at.opened[i]!)
    for (const age of ages) expect(age).toBeLessThanOrEqual(AGE_MS)
    if (makeBeforeBreak) expect(mostGone).toBe(0)
    // The main one and one further one may be under way together.
    expect(at.mostOpen).toBeLessThanOrEqual(mostOpen)
    for (const base of all) expect((await service.post(feed(base))).json.result).toBeGreaterThan(0)
  })

  it.each([true, false])(
    'are replaced within the limit of connects (beside: %s)',
    async (makeBeforeBreak) => {
      await using at = await venue()
      const connects = { count: 3, perMs: 10_000 }
      await using service = await start(
        config(at.provider.url, { limits: { ...limits, connects }, makeBeforeBreak }),
        ENV,
      )
      await want(service, ...feedsOf(8))
      await inTime(() => at.live().length === 4)
      await inTime(
        () => at.provider.connections.length >= 12 && at.live().flatMap(subscribedOn).length === 8,
        250,
      )
      const most = Math.max(
        ...at.opened.map((from) => at.opened.filter((ms) => ms >= from && ms < from + connects.perMs).length),
      )
      expect(most).toBeLessThanOrEqual(connects.count)
      expect(at.live().flatMap(subscribedOn).sort()).toEqual(feedsOf(8))
    },
  )

  it.each([true, false])('of silent feeds are replaced with them (beside: %s)', async (makeBeforeBreak) => {
    await using at = await venue()
    at.deaf = ({ index }, base) => base === 'F0' && index === 0
    const of = config(at.provider.url, { limits: { maxAgeMs: 120_000 }, makeBeforeBreak, firstDataMs: 5_000 })
    await using service = await start(of, ENV)
    await want(service, 'F0', 'F1')
    await inTime(() => at.provider.connections.length === 2 && writesOf(service, 'F0') > 0)
    const second = at.provider.connections[1]!
    await inTime(() => !second.isOpen, 250)
    await inTime(() =>
      at.live().some((connection) => connection.index > 1 && subscribedOn(connection).length > 0),
    )
    const writes = writesOf(service, 'F0')
    await inTime(() => writesOf(service, 'F0') > writes)
  })
})
