import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { WebSocketClassProvider } from '../../../src/connections/class-provider'
import { wsProvider, type WsProvider } from '../../../src/testing/ws-provider'
import { outageOf } from '../../../src/transports/capabilities'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { monotonicMs } from '../../../src/util/clock'
import { eventually } from '../../helpers/eventually'
import { CountingSocket, frames } from './counting-socket'
import { elapse, mostIn } from './held-clock'
import {
  type Config,
  config,
  counter,
  FAKED,
  logged,
  type Params,
  run,
  start,
  subscribe,
  tick,
  type Types,
} from './support'

beforeEach(() => {
  logged.length = 0
  frames.sent = 0
  WebSocketClassProvider.set(CountingSocket)
  vi.useFakeTimers(FAKED)
})

afterEach(() => {
  vi.useRealTimers()
  WebSocketClassProvider.set(WebSocket)
})

const LIMIT = { count: 20, perMs: 1_000 }
const feeds = (count: number): Params[] =>
  Array.from({ length: count }, (_, index) => ({ base: `B${index}`, quote: 'USD' }))

/** The provider's own log, with the times of the held clock. */
const logOf = (provider: WsProvider) => {
  const log: { atMs: number; text: string; connection: number }[] = []
  provider.onMessage((text, { index: connection }) => log.push({ atMs: monotonicMs(), text, connection }))
  return log
}
type Log = ReturnType<typeof logOf>

const advance = async (log: Log, ms: number, stepMs = 50) => {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await elapse(stepMs, stepMs)
    await eventually(() => expect(log).toHaveLength(frames.sent))
  }
}

const wantAll = async (transport: WebSocketTransport<Types>, all: Params[]) => {
  for (const params of all) await transport.want(params, JSON.stringify(params))
}

const textsOn = (log: Log, connection: number) =>
  log.filter((line) => line.connection === connection).map(({ text }) => text)

describe('300 feeds', () => {
  it('are subscribed within the limit of messages, at first and after a reconnect, heartbeats included', async () => {
    await using provider = await wsProvider()
    const log = logOf(provider)
    // What has a value is no suspect when the connection closes.
    provider.onMessage((text, connection) => {
      const [base = '', quote = ''] = text.slice(1).split('/')
      if (text.startsWith('+')) connection.send(tick({ base, quote }))
    })
    const closed = counter()
    const of = config(provider.url, { limits: { messages: LIMIT } })
    of.handlers.heartbeat = (socket) => socket.send('beat')
    of.handlers.open = (socket) => socket.send('login')
    of.handlers.close = closed.hit
    await using service = await start(of, { WS_HEARTBEAT_INTERVAL_MS: '5000' })
    const all = feeds(300)
    await wantAll(service.transport, all)
    const first = await provider.connection(0)
    await advance(log, 10_000)
    const gone = closed.more(1)
    first.destroy()
    await gone
    await elapse(200)
    await provider.connection(1)
    await advance(log, 18_000)
    expect(mostIn(log, LIMIT.perMs)).toBe(LIMIT.count)
    const [before, after] = [textsOn(log, 0), textsOn(log, 1)]
    expect(before.length).toBeGreaterThan(150)
    expect(after[0]).toBe('login')
    expect(after.filter((text) => text === 'beat')).toHaveLength(3)
    // In the order in which they are wanted, each once.
    expect(after.filter((text) => text.startsWith('+'))).toEqual(subscribe(...all))
  })

  it('of a builder of whole passes, or of an own way to send, keep the limit as well', async () => {
    class Slow extends WebSocketTransport<Types> {
      override async sendMessages(_: unknown, messages: unknown[]): Promise<void> {
        await Promise.resolve()
        for (const message of messages) this.wsConnection?.send(`!${String(message)}`)
      }
    }
    const builders: Config['builders'] = {
      customSubscriptionMessages: (_, { new: fresh }) => subscribe(...fresh),
    }
    for (const transportOf of [
      (of: Config) => new WebSocketTransport<Types>({ ...of, builders }),
      (of: Config) => new Slow(of),
      (of: Config) => new Slow({ ...of, builders }),
    ]) {
      frames.sent = 0
      await using provider = await wsProvider()
      const log = logOf(provider)
      await using service = await run(transportOf(config(provider.url, { limits: { messages: LIMIT } })))
      await wantAll(service.transport, feeds(100))
      await provider.connection(0)
      await advance(log, 7_000)
      expect(mostIn(log, LIMIT.perMs)).toBeLessThanOrEqual(LIMIT.count)
      expect(log.map(({ text }) => text.replace('!', ''))).toEqual(subscribe(...feeds(100)))
    }
  })

  it('without a limit go out in one turn', async () => {
    await using provider = await wsProvider()
    const log = logOf(provider)
    await using service = await start(config(provider.url))
    await wantAll(service.transport, feeds(300))
    await provider.connection(0)
    await eventually(() => expect(log).toHaveLength(300))
    expect(mostIn(log, 1)).toBe(300)
  })
})

describe('a limit of connects', () => {
  const CONNECTS = { count: 5, perMs: 60_000 }

  /** Every connection of the provider lives for 1.5 s. The clock is held while something happens in the network. */
  const liveThrough = async (
    provider: WsProvider,
    { opened, live }: { opened: { count: number }; live: number[] },
    ms: number,
  ) => {
    for (let passed = 0; passed < ms; passed += 250) {
      await elapse(250)
      await eventually(() => expect(provider.connections.length).toBe(opened.count))
      for (const { index, isOpen } of provider.connections) {
        live[index] ??= monotonicMs()
        if (isOpen && monotonicMs() - live[index] >= 1_500) await closeOf(provider, index)
      }
    }
  }
  const closeOf = async (provider: WsProvider, index: number) => {
    const connection = provider.connections[index]!
    connection.close(1000)
    await connection.closed
  }

  it('holds with a provider that closes each connection after a short time, and the reason names it', async () => {
    await using provider = await wsProvider()
    const opened = { count: 0 }
    const of = config(provider.url, { limits: { connects: CONNECTS } })
    of.handlers.open = () => void opened.count++
    await using service = await start(of, {
      WS_SUBSCRIPTION_TTL: '600000',
      STREAM_HANDLER_RETRY_MAX_MS: '3000',
    })
    await wantAll(service.transport, feeds(3))
    await provider.connection(0)
    const live: number[] = []
    await liveThrough(provider, { opened, live }, 30_000)
    expect(live).toHaveLength(CONNECTS.count)
    const outage = outageOf(service.transport)
    expect(outage).toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect(outage?.message).toMatch(
      /^The provider closed the connection .*; the limit of 5 connections in 60 s is used up$/,
    )
    expect(outage!.nextAttemptUnixMs! - Date.now()).toBeGreaterThan(20_000)
    expect(outage!.nextAttemptUnixMs! - Date.now()).toBeLessThan(40_000)
    await liveThrough(provider, { opened, live }, 150_000)
    const log = live.map((atMs) => ({ atMs }))
    expect(mostIn(log, CONNECTS.perMs)).toBe(CONNECTS.count)
    expect(log.length).toBeGreaterThan(2 * CONNECTS.count)
  })

  it('holds when the URL changes all the time: the connection stays in use until another may be opened', async () => {
    await using provider = await wsProvider()
    let path = 0
    const opened = { count: 0 }
    const limits = { connects: { count: 2, perMs: 60_000 } }
    const of = config(() => `${provider.url}/${path}`, { limits, firstDataMs: 3_600_000 })
    of.handlers.open = () => void opened.count++
    await using service = await start(of)
    await wantAll(service.transport, feeds(1))
    await provider.connection(0)
    for (let step = 0; step < 20; step++) {
      path++
      await elapse(1_000)
      await eventually(() => expect(provider.connections.length).toBe(opened.count))
    }
    expect(provider.connections).toHaveLength(2)
    await eventually(() => expect(provider.openCount).toBe(1))
    expect(service.transport.connectionClosed()).toBe(false)
    await elapse(50_000)
    expect((await provider.connection(2)).path).toBe('/20')
  })

  it('is not used up by attempts that nothing listens for, and is by those that are refused or not answered', async () => {
    await using provider = await wsProvider()
    await provider.stop()
    const failed = counter()
    const of = config(provider.url, { limits: { connects: { count: 2, perMs: 3_600_000 } } })
    of.handlers.error = failed.hit
    await using service = await start(of, {
      STREAM_HANDLER_RETRY_MIN_MS: '100',
      STREAM_HANDLER_RETRY_EXP_FACTOR: '1',
      WS_SUBSCRIPTION_TTL: '600000',
    })
    await wantAll(service.transport, feeds(1))
    for (let attempt = 0; attempt < 6; attempt++) {
      const another = failed.more(1)
      await elapse(1_000)
      await another
    }
    await provider.restart()
    provider.hang()
    await elapse(2_000)
    await provider.handshake(1)
    provider.refuse(500)
    await elapse(30_000, 1_000)
    expect(provider.handshakes).toBe(2)
    expect(outageOf(service.transport)?.message).toMatch(
      /response: 500; the limit of 2 connections in 3600 s is used up$/,
    )
    provider.accept()
    await elapse(60_000, 1_000)
    expect(provider.handshakes).toBe(2)
  })
})

it('a connection is replaced before it is too old, and everything is subscribed on the next', async () => {
  await using provider = await wsProvider()
  const of = config(provider.url, { limits: { maxAgeMs: 60_000 }, firstDataMs: 36_000_000 })
  await using service = await start(of, { WS_SUBSCRIPTION_TTL: '600000' })
  await wantAll(service.transport, feeds(2))
  const first = await provider.connection(0)
  await elapse(53_000, 500)
  expect(provider.connections).toHaveLength(1)
  // Between nine tenths of the age and all of it, and a pass.
  await elapse(9_000, 500)
  const second = await provider.connection(1)
  expect([await second.next(), await second.next()]).toEqual(subscribe(...feeds(2)))
  expect(await first.closed).toMatchObject({ code: 1000 })
  await elapse(20_000, 500)
  expect(provider.connections).toHaveLength(2)
})

it.each([
  [{ messages: { count: 0, perMs: 1_000 } }, 'limits.messages.count'],
  [{ bytes: { count: 1.5, perMs: 1_000 } }, 'limits.bytes.count'],
  [{ connects: { count: 1.5, perMs: 1_000 } }, 'limits.connects.count'],
  [{ connects: { count: 1, perMs: NaN } }, 'limits.connects.perMs'],
  [{ subscriptionsPerConnection: -1 }, 'limits.subscriptionsPerConnection'],
  [{ maxAgeMs: 0 }, 'limits.maxAgeMs'],
])('%j is refused at once, by its name', (limits, name) => {
  expect(() => new WebSocketTransport<Types>(config('ws://localhost', { limits }))).toThrow(name)
})
