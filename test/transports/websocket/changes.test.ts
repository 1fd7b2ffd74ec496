import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { wsProvider, type WsProvider } from '../../../src/testing/ws-provider'
import { type BatchedTransportConfig } from '../../../src/transports/websocket/batches/batches'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { inTime } from './in-time'
import {
  type Config,
  config,
  FAKED,
  type Params,
  result,
  run,
  type Running,
  subscribe,
  tick,
  type Types,
  unsubscribe,
} from './support'

beforeEach(() => void vi.useFakeTimers(FAKED))
afterEach(() => void vi.useRealTimers())

const feed = (base: string): Params => ({ base, quote: 'USD' })
const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `F${from + i}`)

const batched = (url: string): BatchedTransportConfig<Types> => ({
  url: () => url,
  handlers: {},
  batches: {
    symbolOf: ({ base }) => base,
    session: () => ({
      subscribe: (bases) => subscribe(...bases.map(feed))[0],
      unsubscribe: (bases) => unsubscribe(...bases.map(feed))[0],
      answer: ({ ticks = [] }) => ({
        values: ticks.map((one) => [one.base, result(one).response] as const),
      }),
    }),
  },
})

const custom = (url: string): Config =>
  config(url, {
    builders: {
      customSubscriptionMessages: (_, { new: fresh, stale }) => [
        ...unsubscribe(...stale),
        ...subscribe(...fresh),
      ],
    },
  })

/** Every subscribed feed gets a value at once, and again whenever it is told to. */
const venue = async () => {
  const provider = await wsProvider()
  const books = new Map<number, Set<string>>()
  const bookOf = (index: number) => books.get(index) ?? books.set(index, new Set()).get(index)!
  provider.onMessage((text, connection) => {
    const base = text.slice(1, -4)
    bookOf(connection.index)[text.startsWith('+') ? 'add' : 'delete'](base)
    if (text.startsWith('+')) connection.send(tick(feed(base)))
  })
  return {
    provider,
    subscribed: () =>
      provider.connections.flatMap(({ isOpen, index }) => (isOpen ? [...bookOf(index)] : [])).sort(),
    tickAll: () => {
      for (const connection of provider.connections)
        if (connection.isOpen) for (const base of bookOf(connection.index)) connection.send(tick(feed(base)))
    },
  }
}

const want = async ({ transport }: Running, bases: string[]) => {
  for (const base of bases) await transport.want(feed(base), JSON.stringify(feed(base)))
}

/** The provider has seen as many connections as there are, and the end of none. */
const expectNoClose = (provider: WsProvider, connections: number) => {
  expect(provider.connections).toHaveLength(connections)
  expect(provider.openCount).toBe(connections)
}

describe('a change of what is wanted', () => {
  it.each<[string, (url: string) => Config | BatchedTransportConfig<Types>]>([
    ['one by one', (url) => config(url)],
    ['by a builder of whole passes', custom],
    ['in batches', batched],
    ['within a limit of messages', (url) => config(url, { limits: { messages: { count: 5, perMs: 500 } } })],
  ])(
    'SB-9: closes and reopens no connection, %s: feeds come and go on the one that is open',
    async (_, of) => {
      const at = await venue()
      await using provider = at.provider
      const transport = new WebSocketTransport<Types>(of(provider.url))
      await using service = await run(transport, { WS_SUBSCRIPTION_TTL: '60000', CACHE_MAX_AGE: '600000' })
      for (let step = 0; step < 12; step++) {
        await want(service, [...names(0, 2), ...names(3 * step, 3 * step + 4)])
        await inTime(() => at.subscribed().includes(`F${3 * step + 3}`))
        await vi.advanceTimersByTimeAsync(9_000)
        at.tickAll()
      }
      // What was wanted first is not wanted any more.
      await inTime(() => !at.subscribed().includes('F9'))
      expect(at.subscribed()).toEqual(expect.arrayContaining(['F0', 'F1', 'F36']))
      expectNoClose(provider, 1)
    },
  )

  it('SB-9: closes none of several connections either, and opens one where the others are full', async () => {
    const at = await venue()
    await using provider = at.provider
    const of = config(provider.url, { limits: { subscriptionsPerConnection: 4 } })
    await using service = await run(new WebSocketTransport<Types>(of), {
      WS_SUBSCRIPTION_TTL: '3600000',
      CACHE_MAX_AGE: '3600000',
    })
    for (let count = 1; count <= 14; count++) {
      await want(service, names(0, count))
      await inTime(() => at.subscribed().length === count)
      at.tickAll()
      expectNoClose(provider, Math.ceil(count / 4))
    }
  })

  // Nothing declares that a protocol needs another connection: the author's `url` may depend on what is wanted (contract 17).
  it('SB-9: that changes the URL is gathered with others, so that a connection lasts a second at least', async () => {
    const at = await venue()
    await using provider = at.provider
    const openedMs: number[] = []
    provider.onConnection(() => openedMs.push(Date.now()))
    const url = (_: unknown, desired: Params[]) => `${provider.url}/${desired.map(({ base }) => base).join()}`
    const of: Config = { ...config(url), builders: undefined }
    await using service = await run(new WebSocketTransport<Types>(of), { WS_SUBSCRIPTION_TTL: '3600000' })
    await want(service, names(0, 1))
    await inTime(() => provider.openCount === 1)
    for (let count = 2; count <= 21; count++) {
      await want(service, names(0, count))
      await inTime(() => true)
      await vi.advanceTimersByTimeAsync(100)
    }
    const last = `/${names(0, 21).join()}`
    await inTime(() => provider.openCount === 1 && provider.connections.at(-1)!.path === last)
    const lives = openedMs.slice(1).map((ms, index) => ms - openedMs[index]!)
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(1_000)
    // Twenty changes in two seconds.
    expect(provider.connections.length).toBeLessThanOrEqual(5)
  })
})
