import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { outageOf } from '../../../src/transports/capabilities'
import { type ProviderConnection } from '../../../src/testing/provider-connection'
import { wsProvider } from '../../../src/testing/ws-provider'
import { inTime } from './in-time'
import { BTC, config, ETH, FAKED, type Params, type Running, start, tick } from './support'

beforeEach(() => void vi.useFakeTimers(FAKED))
afterEach(() => void vi.useRealTimers())

const DOGE = { base: 'DOGE', quote: 'USD' }
const ENV = { WS_SUBSCRIPTION_TTL: '3600000', CACHE_POLLING_MAX_RETRIES: '0' }
const nameOf = ({ base, quote }: Params) => `${base}/${quote}`

/** A provider that ticks twice a second for each subscription that it has not forgotten, and knows who is deaf to whom. */
const market = async () => {
  const provider = await wsProvider()
  const live = new Map<ProviderConnection, Set<string>>()
  const deaf = { subscriptions: new Set<string>(), on: (_connection: ProviderConnection) => true }
  provider.onConnection((connection) => void live.set(connection, new Set()))
  provider.onMessage((text, connection) => {
    const feeds = live.get(connection)!
    const name = text.slice(1)
    if (text.startsWith('-')) feeds.delete(name)
    else if (!deaf.subscriptions.has(name) || !deaf.on(connection)) feeds.add(name)
  })
  const timer = setInterval(() => {
    for (const [connection, feeds] of live)
      for (const name of feeds) {
        const [base = '', quote = ''] = name.split('/')
        connection.send(tick({ base, quote }, 5))
      }
  }, 500)
  return {
    provider,
    deaf,
    forget: (params: Params) => live.forEach((feeds) => feeds.delete(nameOf(params))),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await provider.stop()
    },
  }
}

const ask = (service: Running, ...feeds: Params[]) => {
  for (const params of feeds) void service.post(params).catch(() => {})
}
const reasonOf = ({ transport }: Running, params: Params) => outageOf(transport, params)
const isServed = (service: Running, params: Params) =>
  service.transport.responseCache.feed(service.transport.name, params).sets

describe('a feed that the provider has forgotten', () => {
  it('is subscribed again alone, while the others are not touched, and ticks again', async () => {
    await using at = await market()
    await using service = await start(config(at.provider.url), ENV)
    ask(service, ETH, BTC, DOGE)
    await inTime(() => isServed(service, ETH) > 8 && isServed(service, DOGE) > 8)
    at.forget(ETH)
    const [connection] = at.provider.connections
    await inTime(() => connection!.received.length > 3)
    expect(connection!.received.slice(3)).toEqual(['-ETH/USD', '+ETH/USD'])
    const before = isServed(service, ETH)
    await inTime(() => isServed(service, ETH) > before)
    expect(reasonOf(service, ETH)).toBeUndefined()
    expect(at.provider.connections).toHaveLength(1)
  })

  it('SB-6: is subscribed again alone, then on another connection, where it stays; the others keep ticking on theirs', async () => {
    await using at = await market()
    await using service = await start(config(at.provider.url), ENV)
    ask(service, ETH, BTC)
    await inTime(() => isServed(service, ETH) > 8)
    const [main] = at.provider.connections
    at.deaf.subscriptions.add('ETH/USD')
    at.deaf.on = (connection) => connection === main
    at.forget(ETH)
    const { transport } = service
    const counter = transport.streamHandlerInvocationsWithNoConnection
    const socket = transport.wsConnection
    // The fewest values of the other feed in any two seconds.
    let [quietest, seen] = [Infinity, isServed(service, BTC)]
    const watch = setInterval(() => {
      quietest = Math.min(quietest, isServed(service, BTC) - seen)
      seen = isServed(service, BTC)
    }, 2_000)
    await inTime(() => at.provider.connections.length === 2)
    const other = at.provider.connections[1]!
    await inTime(() => other.received.length > 0)
    const before = isServed(service, ETH)
    await inTime(() => isServed(service, ETH) > before + 20)
    clearInterval(watch)
    expect(quietest).toBeGreaterThan(0)
    expect(main!.received).toEqual(['+ETH/USD', '+BTC/USD', '-ETH/USD', '+ETH/USD', '-ETH/USD'])
    expect(other.received).toEqual(['+ETH/USD'])
    // The public members tell of the main connection, and so do the metrics.
    expect(transport.wsConnection).toBe(socket)
    expect(transport.streamHandlerInvocationsWithNoConnection).toBe(counter)
    expect(await service.metric('ws_connection_active')).toBe(1)
    // Its connection is lost: it comes home, and nothing of that is a loss of the main one.
    at.deaf.subscriptions.clear()
    other.destroy()
    await inTime(() => main!.received.length === 6)
    expect(main!.received[5]).toBe('+ETH/USD')
    expect(transport.streamHandlerInvocationsWithNoConnection).toBe(counter)
  })

  it('is asked for ever more seldom where nothing helps, here and there, and clients are told', async () => {
    await using at = await market()
    await using service = await start(config(at.provider.url), { ...ENV, CACHE_MAX_AGE: '20000' })
    ask(service, ETH, BTC)
    await inTime(() => isServed(service, ETH) > 8)
    at.deaf.subscriptions.add('ETH/USD')
    at.forget(ETH)
    const [main] = at.provider.connections
    await inTime(() => main!.received.filter((text) => text === '+ETH/USD').length === 4, 500)
    const { json } = await service.post(ETH)
    expect(json.error.reason).toMatchObject({
      code: 'SILENT',
      message: expect.stringMatching(
        /^Nothing has come for this feed since \S+, subscribed again \d+ times, while others tick$/,
      ),
    })
    expect(json.error.reason.nextAttemptUnixMs).toBeGreaterThan(Date.now())
    // Between its stays at home it was elsewhere; that connection was closed each time.
    await inTime(() => at.provider.openCount === 1)
    expect(at.provider.connections.length).toBeGreaterThan(1)
    expect(main!.received.filter((text) => text.includes('BTC'))).toEqual(['+BTC/USD'])
  })

  it('before its cadence was known is subscribed again when its value is over, and stays where it is', async () => {
    await using at = await market()
    await using service = await start(config(at.provider.url), { ...ENV, CACHE_MAX_AGE: '20000' })
    ask(service, ETH, BTC)
    await inTime(() => isServed(service, ETH) === 1)
    at.deaf.subscriptions.add('ETH/USD')
    at.forget(ETH)
    const [main] = at.provider.connections
    const asked = () => main!.received.filter((text) => text === '+ETH/USD').length
    await inTime(() => asked() === 4, 500)
    expect(main!.received.filter((text) => text === '-ETH/USD')).toHaveLength(3)
    expect(reasonOf(service, ETH)?.code).toBe('SILENT')
    expect(at.provider.connections).toHaveLength(1)
    at.deaf.subscriptions.clear()
    await inTime(() => isServed(service, ETH) > 1, 500)
    expect(reasonOf(service, ETH)).toBeUndefined()
  })

  it('stays on the only connection where there may be no other', async () => {
    await using at = await market()
    await using service = await start(config(at.provider.url, { singleConnection: true }), ENV)
    ask(service, ETH, BTC)
    await inTime(() => isServed(service, ETH) > 8)
    at.deaf.subscriptions.add('ETH/USD')
    at.forget(ETH)
    const [main] = at.provider.connections
    await inTime(() => main!.received.filter((text) => text === '+ETH/USD').length === 5, 500)
    expect(at.provider.connections).toHaveLength(1)
  })
})

describe('a feed that never had a value', () => {
  it('is subscribed again after the first-data time, and the 504 says since when, how often, and that others tick', async () => {
    await using at = await market()
    at.deaf.subscriptions.add('ETH/USD')
    await using service = await start(config(at.provider.url, { firstDataMs: 60_000 }), ENV)
    ask(service, ETH, BTC)
    const { provider } = at
    await inTime(() => isServed(service, BTC) > 0)
    const subscribedAt = Date.now()
    const first = provider.connections[0]!
    await inTime(() => first.received.includes('-ETH/USD'), 500)
    expect(Date.now() - subscribedAt).toBeGreaterThanOrEqual(58_000)
    expect(first.received.slice(2)).toEqual(['-ETH/USD', '+ETH/USD'])
    const { json } = await service.post(ETH)
    expect(json.statusCode).toBe(504)
    expect(json.error.reason).toMatchObject({
      code: 'SILENT',
      message: expect.stringMatching(
        /^Subscribed since \S+, subscribed again once, nothing has come for this feed, while others tick$/,
      ),
    })
    // Nobody wants it any more: nothing is asked for.
    expect(first.received.filter((text) => text.includes('BTC'))).toEqual(['+BTC/USD'])
  })

  it('is not asked for again once nobody wants it, wherever it is', async () => {
    await using at = await market()
    at.deaf.subscriptions.add('ETH/USD')
    await using service = await start(config(at.provider.url), {
      ...ENV,
      WS_SUBSCRIPTION_TTL: '40000',
      CACHE_POLLING_MAX_RETRIES: '0',
    })
    ask(service, ETH, BTC)
    await inTime(() => at.provider.connections.length === 2)
    const other = at.provider.connections[1]!
    await inTime(() => other.received.length > 0)
    await inTime(() => !other.isOpen)
    await vi.advanceTimersByTimeAsync(600_000)
    expect(at.provider.connections).toHaveLength(2)
    const first = at.provider.connections[0]!
    expect(first.received.filter((text) => text === '+ETH/USD')).toHaveLength(2)
  })

  it('leaves nothing behind when the transport stops', async () => {
    await using at = await market()
    at.deaf.subscriptions.add('ETH/USD')
    const service = await start(config(at.provider.url), ENV)
    ask(service, ETH, BTC)
    await inTime(() => at.provider.openCount === 2)
    await service.stop()
    await inTime(() => at.provider.openCount === 0)
    const seen = at.provider.connections.length
    await vi.advanceTimersByTimeAsync(600_000)
    expect(at.provider.connections).toHaveLength(seen)
  })
})
