import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { WebSocketClassProvider } from '../../../src/connections/class-provider'
import { type ProviderConnection } from '../../../src/testing/provider-connection'
import { wsProvider, type WsProvider } from '../../../src/testing/ws-provider'
import { type BatchedTransportConfig } from '../../../src/transports/websocket/batches/batches'
import { type WebSocketLimits } from '../../../src/transports/websocket/pacing/limits'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { monotonicMs } from '../../../src/util/clock'
import { eventually } from '../../helpers/eventually'
import { CountingSocket, frames } from './counting-socket'
import { elapse, mostIn } from './held-clock'
import { config, FAKED, type Params, result, run, type Types } from './support'

beforeEach(() => {
  WebSocketClassProvider.set(CountingSocket)
  vi.useFakeTimers(FAKED)
})

afterEach(() => {
  vi.useRealTimers()
  WebSocketClassProvider.set(WebSocket)
})

const FEEDS = 300
const BEAT_MS = 5_000
const TICK_EVERY_MS = 5_000
const STEP_MS = 50
const WORDS = 4

const symbols = Array.from({ length: FEEDS }, (_, index) => `F${index}`)
const feed = (base: string): Params => ({ base, quote: 'USD' })

type Message = Types['Provider']['WsMessage'] & { accepted?: string[] }
interface Case {
  limits: Required<Omit<WebSocketLimits, 'maxAgeMs' | 'bytes'>>
  /** Symbols per message; undefined where each has a message of a builder. */
  size: number | undefined
}

const plain = (url: string, limits: WebSocketLimits) => config(url, { limits })

const batched = (url: string, limits: WebSocketLimits, size: number): BatchedTransportConfig<Types> => ({
  url: () => url,
  limits,
  handlers: {},
  batches: {
    symbolOf: ({ base }) => base,
    size,
    session: () => ({
      subscribe: (bases) => `+${bases.join(',')}`,
      unsubscribe: (bases) => `-${bases.join(',')}`,
      answer: ({ accepted, ticks = [] }: Message) => ({
        accepted,
        values: ticks.map((one) => [one.base, result(one).response] as const),
      }),
    }),
  },
})

/** What the provider saw, judged by nothing that we believe ourselves. */
class Venue {
  readonly messages: { atMs: number }[] = []
  readonly connects: { atMs: number }[] = []
  readonly sizes: number[] = []
  mostOnOne = 0
  private readonly books = new Map<ProviderConnection, Set<string>>()

  constructor(readonly provider: WsProvider) {
    provider.onConnection((connection) => {
      this.connects.push({ atMs: monotonicMs() })
      this.books.set(connection, new Set())
    })
    provider.onMessage((text, connection) => {
      this.messages.push({ atMs: monotonicMs() })
      if (text.startsWith('+') || text.startsWith('-')) this.change(text, connection)
    })
  }

  get subscribed(): string[] {
    return [...this.books].flatMap(([{ isOpen }, book]) => (isOpen ? [...book] : [])).sort()
  }

  tick(): void {
    for (const [connection, book] of this.books) for (const base of book) send(connection, base)
  }

  endAll(): void {
    for (const [connection] of this.books) if (connection.isOpen) connection.destroy()
  }

  private change(text: string, connection: ProviderConnection): void {
    const bases = text
      .slice(1)
      .split(',')
      .map((name) => name.replace('/USD', ''))
    const book = this.books.get(connection)!
    this.sizes.push(bases.length)
    for (const base of bases) book[text.startsWith('+') ? 'add' : 'delete'](base)
    this.mostOnOne = Math.max(this.mostOnOne, book.size)
    if (text.startsWith('-')) return
    connection.send({ accepted: bases })
    for (const base of bases) send(connection, base)
  }
}

const send = (connection: ProviderConnection, base: string) =>
  connection.isOpen && connection.send({ ticks: [{ ...feed(base), price: 1 }] })

/** How long it takes at most to subscribe everything within the limits, with as much again for what is left of a window before. */
const timeFor = ({ limits, size = 1 }: Case): number => {
  const { subscriptionsPerConnection: most, messages, connects } = limits
  const connections = Math.ceil(FEEDS / most)
  const frames = connections * (WORDS + Math.ceil(Math.min(most, FEEDS) / size))
  const windows = ({ count, perMs }: { count: number; perMs: number }, of: number) =>
    (Math.ceil(of / Math.max(1, count - 1)) + 1) * perMs
  return 2 * (windows(messages, frames) + windows(connects, connections)) + 10_000
}

const anyCase: fc.Arbitrary<Case> = fc.record({
  limits: fc.record({
    subscriptionsPerConnection: fc.oneof(fc.integer({ min: 12, max: 40 }), fc.integer({ min: 25, max: 320 })),
    messages: fc.record({
      count: fc.integer({ min: 12, max: 80 }),
      perMs: fc.integer({ min: 100, max: 1_500 }),
    }),
    connects: fc.record({
      count: fc.integer({ min: 1, max: 6 }),
      perMs: fc.integer({ min: 500, max: 6_000 }),
    }),
  }),
  size: fc.option(fc.integer({ min: 1, max: 120 }), { nil: undefined }),
})

/** Heartbeats leave room for subscriptions. */
const isPossible = ({ limits: { subscriptionsPerConnection: most, messages } }: Case) =>
  Math.ceil(FEEDS / most) / BEAT_MS < messages.count / messages.perMs / 2

/** The author's own words: several, so that those of some connections alone could exceed a window. */
const say = (socket: WebSocket, word: string) => {
  for (let part = 0; part < WORDS; part++) socket.send(word)
}

const play = async (of: Case) => {
  frames.sent = 0
  await using provider = await wsProvider()
  const venue = new Venue(provider)
  const { limits, size } = of
  const given = size === undefined ? plain(provider.url, limits) : batched(provider.url, limits, size)
  given.handlers = {
    ...given.handlers,
    open: (socket: WebSocket) => say(socket, 'login'),
    heartbeat: (socket: WebSocket) => socket.send('beat'),
  }
  await using service = await run(new WebSocketTransport<Types>(given), {
    WS_SUBSCRIPTION_TTL: '3600000',
    CACHE_MAX_AGE: '3600000',
    WS_HEARTBEAT_INTERVAL_MS: String(BEAT_MS),
    STREAM_HANDLER_RETRY_MIN_MS: '100',
    STREAM_HANDLER_RETRY_MAX_MS: '3000',
  })
  const advance = async (mostMs: number, isOver: () => boolean) => {
    for (let passed = 0; passed < mostMs && !isOver(); passed += STEP_MS) {
      await elapse(STEP_MS, STEP_MS)
      await eventually(() => expect(venue.messages.length).toBe(frames.sent))
      if (passed % TICK_EVERY_MS === 0) venue.tick()
    }
  }
  const isWhole = () => venue.subscribed.length >= FEEDS
  for (const base of symbols) await service.transport.want(feed(base), base)
  await advance(timeFor(of), isWhole)
  expect(venue.subscribed).toEqual([...symbols].sort())
  await advance(2 * BEAT_MS, () => false)
  venue.endAll()
  await eventually(() => expect(provider.openCount).toBe(0))
  await advance(timeFor(of) + 3_000, isWhole)
  expect(venue.subscribed).toEqual([...symbols].sort())
  expect(mostIn(venue.messages, limits.messages.perMs)).toBeLessThanOrEqual(limits.messages.count)
  expect(mostIn(venue.connects, limits.connects.perMs)).toBeLessThanOrEqual(limits.connects.count)
  expect(venue.mostOnOne).toBeLessThanOrEqual(limits.subscriptionsPerConnection)
  expect(Math.max(...venue.sizes)).toBeLessThanOrEqual(size ?? 1)
}

it('SB-7: 300 feeds are within any limits in every window of the provider, from cold and after all connections are lost', async () => {
  await fc.assert(fc.asyncProperty(anyCase.filter(isPossible), play), { numRuns: 8, endOnFailure: true })
}, 120_000)
