import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { outageOf } from '../../../src/transports/capabilities'
import { type ProviderConnection } from '../../../src/testing/provider-connection'
import { type WsProvider, wsProvider } from '../../../src/testing/ws-provider'
import {
  config as plainConfig,
  FAKED,
  linesAt,
  logged,
  type Params,
  type Running,
  start,
  tick,
} from './support'
import { classOf } from '../../../src/validation/reason'
import { monotonicMs } from '../../../src/util/clock'
import { inTime } from './in-time'
import { mostIn } from './held-clock'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})
afterEach(() => void vi.useRealTimers())

/** Feeds that never tick are none of the matter here. */
const config = (url: string, of: Parameters<typeof plainConfig>[1] = {}) =>
  plainConfig(url, { firstDataMs: 3_600_000, ...of })

const feed = (base: string): Params => ({ base, quote: 'USD' })
const feedsOf = (count: number, prefix = 'F') => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

type End = (connection: ProviderConnection) => void
const ends: Record<string, End> = {
  'with 1000': (connection) => connection.close(1000),
  'with 1008': (connection) => connection.close(1008, 'bad symbol'),
  'with 1006': (connection) => connection.destroy(),
  'without a code': (connection) => connection.close(),
}

interface Venue {
  provider: WsProvider
  poison: Set<string>
  /** Subscribe messages that it has got. */
  subscribes: () => number
  /** Feeds that are subscribed on an open connection, each as often as it is. */
  subscribed: () => string[]
}

/** A provider that ends a connection when poison is subscribed on it, and sends a value for everything else if it `ticks`. */
const venue = async (poison: string[], end: End, { ticks = true } = {}): Promise<Venue> => {
  const provider = await wsProvider()
  const bad = new Set(poison)
  let subscribes = 0
  provider.onMessage((text, connection) => {
    if (!text.startsWith('+')) return
    subscribes++
    const base = text.slice(1, -4)
    if (bad.has(base)) end(connection)
    else if (ticks) connection.send(tick(feed(base), 7))
  })
  const subscribed = () =>
    provider.connections
      .filter(({ isOpen }) => isOpen)
      .flatMap(({ received }) => {
        const feeds: string[] = []
        for (const text of received)
          if (text.startsWith('+')) feeds.push(text.slice(1, -4))
          else feeds.splice(feeds.indexOf(text.slice(1, -4)), 1)
        return feeds
      })
      .sort()
  return { provider, poison: bad, subscribes: () => subscribes, subscribed }
}

/** Long enough for a client to wait through a search. */
const ENV = { WS_SUBSCRIPTION_TTL: '3600000', CACHE_MAX_AGE: '3600000' }

const ask = (service: Running, ...bases: string[]) =>
  bases.map((base) => service.post(feed(base)).catch(() => {}))
const codeOf = ({ transport }: Running, base: string) => outageOf(transport, feed(base))?.code
const want = async (service: Running, ...bases: string[]) => {
  void ask(service, ...bases)
  await inTime(() => bases.every((base) => service.transport.subscriptionSet.get(keyOf(service, base))))
}
const keyOf = ({ transport }: Running, base: string) =>
  transport.responseCache.getCacheKey(transport.name, feed(base))

describe('a feed at which the provider closes the connection', () => {
  const cases: [number, number, string, boolean][] = [
    [10, 1, 'with 1008', true],
    [10, 1, 'with 1000', false],
    [10, 3, 'with 1006', true],
    [50, 2, 'without a code', true],
    [50, 3, 'with 1008', false],
    [300, 1, 'with 1006', false],
    [300, 3, 'with 1008', true],
  ]
  it.each(cases)(
    'SB-5: is found from cold among %i others (%i of them, closing %s, others tick: %s), at the cost that is allowed',
    async (n, p, how, ticks) => {
      const poison = feedsOf(p, 'POISON')
      const good = feedsOf(n)
      const all = [...good]
      poison.forEach((base, i) => all.splice(Math.floor(((i + 1) * n) / (p + 1)), 0, base))
      const at = await venue(poison, ends[how]!, { ticks })
      await using provider = at.provider
      await using service = await start(config(provider.url), ENV)
      await want(service, ...all)
      await inTime(
        () => poison.every((base) => codeOf(service, base) === 'QUARANTINED') && at.subscribed().length >= n,
      )
      // The side connections have gone, and every other feed is subscribed once.
      await inTime(() => provider.openCount === 1)
      expect(at.subscribed()).toEqual([...good].sort())
      expect(good.filter((base) => codeOf(service, base) !== undefined)).toEqual([])
      expect(classOf({ code: codeOf(service, poison[0]!)! })).toBe('poison')
      const log = Math.log2(all.length)
      expect(at.subscribes()).toBeLessThanOrEqual(4 * all.length + 10 * p * (log + 1))
      expect(provider.connections.length).toBeLessThanOrEqual(p * (log + 6) + 8)
      if (ticks) for (const base of good) expect((await service.post(feed(base))).json.result).toBe(7)
    },
    60_000,
  )

  it('costs the others one close that counts; the next ones are laid to it, and side connections count nowhere', async () => {
    const at = await venue(['POISON'], ends['with 1008']!)
    await using provider = at.provider
    await using service = await start(config(provider.url), ENV)
    const good = feedsOf(10)
    await want(service, ...good)
    await inTime(() => at.subscribed().length === 10)
    const { transport } = service
    const counted = transport.streamHandlerInvocationsWithNoConnection
    const attempts = await service.metric('ws_connection_attempt')
    await want(service, 'POISON')
    await inTime(() => codeOf(service, 'POISON') === 'QUARANTINED')
    expect(transport.streamHandlerInvocationsWithNoConnection).toBe(counted + 1)
    expect(linesAt('warn').filter((text) => text.includes('closed abnormally'))).toHaveLength(1)
    // Two closes of the main connection, and two of side connections, on which it was alone.
    expect(provider.connections.length).toBe(5)
    expect((await service.metric('ws_connection_attempt'))! - attempts!).toBe(2)
    expect(await service.metric('ws_connection_active')).toBe(1)
    expect(at.subscribed()).toEqual([...good].sort())
  })

  it('costs a connection for each death alone: one that lives through a trial serves the next', async () => {
    const poison = feedsOf(2, 'POISON')
    const at = await venue(poison, ends['with 1008']!)
    await using provider = at.provider
    const dead = new Set<ProviderConnection>()
    provider.onMessage((text, connection) => {
      if (text.startsWith('+POISON')) dead.add(connection)
    })
    await using service = await start(config(provider.url), ENV)
    const good = feedsOf(200)
    await want(service, ...good.slice(0, 150), ...poison, ...good.slice(150))
    await inTime(
      () => poison.every((base) => codeOf(service, base) === 'QUARANTINED') && at.subscribed().length >= 200,
    )
    await inTime(() => provider.openCount === 1)
    expect(dead.size).toBeGreaterThan(6)
    // The main one lives, and so did the last side connection.
    expect(provider.connections.length).toBeLessThanOrEqual(dead.size + 2)
  })

  it('is told to its clients with a name, since when, and when it is tried again; wanting it again ends no connection', async () => {
    const at = await venue(['POISON'], ends['with 1006']!)
    await using provider = at.provider
    await using service = await start(config(provider.url), { ...ENV, CACHE_POLLING_MAX_RETRIES: '0' })
    await want(service, 'F0', 'POISON')
    await inTime(() => codeOf(service, 'POISON') === 'QUARANTINED')
    await inTime(() => provider.openCount === 1)
    const seen = provider.connections.length
    for (let i = 0; i < 5; i++) {
      const { json } = await service.post(feed('POISON'))
      expect(json.statusCode).toBe(504)
      expect(json.error.reason).toMatchObject({
        code: 'QUARANTINED',
        message: expect.stringContaining('closes the connection when this feed is subscribed'),
        sinceUnixMs: expect.any(Number),
        nextAttemptUnixMs: expect.any(Number),
      })
      expect(json.error.reason.nextAttemptUnixMs).toBeGreaterThan(Date.now())
      await vi.advanceTimersByTimeAsync(10_000)
    }
    expect(provider.connections.length).toBe(seen)
  })

  it('SB-5: is tried again alone on a side connection, and is let in when it does no harm any more', async () => {
    const at = await venue(['POISON'], ends['with 1008']!)
    await using provider = at.provider
    await using service = await start(config(provider.url), ENV)
    await want(service, 'F0', 'F1', 'POISON')
    await inTime(() => codeOf(service, 'POISON') === 'QUARANTINED')
    await inTime(() => provider.openCount === 1)
    const seen = provider.connections.length
    await inTime(() => provider.connections.length === seen + 1, 1_000)
    await inTime(() => provider.openCount === 1)
    expect(provider.connections[seen]!.received).toEqual(['+POISON/USD'])
    expect(codeOf(service, 'POISON')).toBe('QUARANTINED')
    at.poison.clear()
    await inTime(() => at.subscribed().join() === 'F0,F1,POISON' && provider.openCount === 1, 1_000)
    expect(codeOf(service, 'POISON')).toBeUndefined()
    expect((await service.post(feed('POISON'))).json.result).toBe(7)
  })

  it('is found on the only connection where the provider allows one', async () => {
    const at = await venue(['POISON'], ends['with 1008']!)
    await using provider = at.provider
    let most = 0
    provider.onConnection(() => (most = Math.max(most, provider.openCount)))
    await using service = await start(config(provider.url, { singleConnection: true }), ENV)
    const good = feedsOf(10)
    await want(service, ...good, 'POISON')
    await inTime(() => codeOf(service, 'POISON') === 'QUARANTINED' && at.subscribed().length === 10)
    expect(at.subscribed()).toEqual([...good].sort())
    expect(most).toBe(1)
    expect(provider.connections.length).toBeLessThanOrEqual(Math.log2(11) + 6)
  })

  it('is found within the declared limits of messages and connections, of all connections together', async () => {
    const at = await venue(['POISON'], ends['with 1008']!)
    await using provider = at.provider
    const messages: { atMs: number }[] = []
    const opened: { atMs: number }[] = []
    provider.onMessage(() => messages.push({ atMs: monotonicMs() }))
    provider.onConnection(() => opened.push({ atMs: monotonicMs() }))
    const limits = { messages: { count: 8, perMs: 2_000 }, connects: { count: 3, perMs: 10_000 } }
    await using service = await start(config(provider.url, { limits }), ENV)
    const good = feedsOf(20)
    await want(service, ...good.slice(0, 10), 'POISON', ...good.slice(10))
    await inTime(() => codeOf(service, 'POISON') === 'QUARANTINED' && at.subscribed().length === 20)
    expect(at.subscribed()).toEqual([...good].sort())
    expect(mostIn(messages, limits.messages.perMs)).toBeLessThanOrEqual(limits.messages.count)
    expect(mostIn(opened, limits.connects.perMs)).toBeLessThanOrEqual(limits.connects.count)
    expect(opened.length).toBeGreaterThan(limits.connects.count)
  })

  it('lets the transport stop in the middle of the search', async () => {
    const at = await venue(['POISON'], ends['with 1008']!, { ticks: false })
    await using provider = at.provider
    const service = await start(config(provider.url), ENV)
    await want(service, ...feedsOf(20), 'POISON')
    await inTime(() => provider.openCount === 2)
    await service.stop()
    await inTime(() => provider.openCount === 0)
    const seen = provider.connections.length
    await vi.advanceTimersByTimeAsync(120_000)
    expect(provider.connections.length).toBe(seen)
  })
})

describe('an outage of the provider', () => {
  // Naive: whatever was subscribed shortly before a close is its cause.
  it('condemns nobody, however often it closes every connection', async () => {
    await using provider = await wsProvider()
    let isUp = false
    provider.onConnection((connection) => void (isUp || connection.close(1012)))
    provider.onMessage((text, connection) => {
      if (isUp) connection.send(tick(feed(text.slice(1, -4)), 7))
    })
    await using service = await start(config(provider.url), {
      ...ENV,
      STREAM_HANDLER_RETRY_MIN_MS: '100',
      STREAM_HANDLER_RETRY_MAX_MS: '3000',
    })
    const all = feedsOf(40)
    await want(service, ...all)
    await inTime(() => provider.connections.length > 30)
    expect(all.filter((base) => codeOf(service, base) === 'QUARANTINED')).toEqual([])
    isUp = true
    await inTime(() => provider.openCount === 1 && provider.connections.at(-1)!.isOpen)
    for (const base of all) expect((await service.post(feed(base))).json.result).toBe(7)
  })

  it('in the middle of a search condemns nobody but the one', async () => {
    const at = await venue(['POISON'], ends['with 1008']!, { ticks: false })
    await using provider = at.provider
    await using service = await start(config(provider.url), ENV)
    const good = feedsOf(20)
    await want(service, ...good, 'POISON')
    await inTime(() => provider.openCount === 2)
    await provider.restart()
    await inTime(() => codeOf(service, 'POISON') === 'QUARANTINED' && at.subscribed().length === 20)
    expect(good.filter((base) => codeOf(service, base) !== undefined)).toEqual([])
    expect(at.subscribed()).toEqual([...good].sort())
  })

  it('after which everything is subscribed on one connection, as ever, where nothing is suspect', async () => {
    const at = await venue([], ends['with 1008']!)
    await using provider = at.provider
    await using service = await start(config(provider.url), ENV)
    await want(service, ...feedsOf(30))
    await inTime(() => at.subscribed().length === 30)
    for (let i = 1; i < 4; i++) {
      provider.connections.at(-1)!.destroy()
      await inTime(() => at.subscribed().length === 30)
      expect(provider.connections.length).toBe(1 + i)
    }
  })
})
