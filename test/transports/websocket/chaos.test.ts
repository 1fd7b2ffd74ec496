import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { BackgroundRunner } from '../../../src/transports/runner'
import { metrics } from '../../../src/metrics/registry'
import { SubscriptionSetFactory } from '../../../src/adapter/subscription-set-factory'
import { WebSocketClassProvider } from '../../../src/connections/class-provider'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { Puppet, world } from './puppet'
import { BTC, config, ETH, FAKED, logged, loggerFactory, tick, type Types } from './support'

const FEEDS = [ETH, BTC, { base: 'SOL', quote: 'USD' }]

type Context = Parameters<WebSocketTransport<Types>['streamHandler']>[0]

const SETTINGS = {
  WS_SUBSCRIPTION_TTL: 20_000,
  WS_SUBSCRIPTION_UNRESPONSIVE_TTL: 10_000,
  STREAM_HANDLER_RETRY_MIN_MS: 100,
  STREAM_HANDLER_RETRY_EXP_FACTOR: 2,
  STREAM_HANDLER_RETRY_MAX_MS: 3_000,
  MAX_COMMON_KEY_SIZE: 300,
  FEED_ID_JSON: false,
  WS_CONNECTION_OPEN_TIMEOUT: 2_000,
  BACKGROUND_EXECUTE_MS_WS: 1_000,
  WS_HEARTBEAT_INTERVAL_MS: 700,
}

interface Shape {
  openMs?: number
  /** The provider may be dialled a second time, for a feed that is suspected. */
  hasAside?: boolean
}

const build = async ({ openMs, hasAside = false }: Shape) => {
  const violations: string[] = []
  const written: { params: unknown }[] = []
  let receiving: Puppet | undefined
  let path = 0
  const of = config(() => `wss://provider.example/${path}`)
  if (!hasAside) of.singleConnection = true
  of.handlers.heartbeat = (socket) => {
    const puppet = socket as unknown as Puppet
    const isOurs = hasAside ? !puppet.isDismissed : socket === transport.wsConnection
    if (!isOurs || puppet.readyState !== WebSocket.OPEN)
      violations.push('a heartbeat of a connection that is dead or was replaced')
    socket.send('beat')
  }
  if (openMs !== undefined) of.handlers.open = () => new Promise((resolve) => setTimeout(resolve, openMs))
  const transport = new WebSocketTransport<Types>(of)
  const write = (_name: string, results: { params: unknown }[]) => {
    const isOurs = hasAside ? !receiving?.isDismissed : receiving === (transport.wsConnection as unknown)
    if (receiving !== undefined && !isOurs) violations.push('a value of a connection that was replaced')
    written.push(...results)
  }
  const dependencies = {
    responseCache: { write },
    subscriptionSetFactory: new SubscriptionSetFactory(
      { CACHE_TYPE: 'local', SUBSCRIPTION_SET_MAX_ITEMS: 100 },
      'TEST',
    ),
  } as unknown as Parameters<typeof transport.initialize>[0]
  await transport.initialize(dependencies, SETTINGS as never, 'price', 'default_single_transport')
  const context = { endpointName: 'price', adapterSettings: SETTINGS } as unknown as Context
  const runner = new BackgroundRunner('TEST', 'default_single_transport', transport, context, 90_000)
  runner.start()
  return {
    transport,
    violations,
    written,
    want: (at: number) => {
      const feed = FEEDS[at % FEEDS.length] ?? ETH
      void transport.want(feed, feed.base)
    },
    moveUrl: () => void path++,
    deliver: (socket: Puppet) => {
      receiving = socket
      socket.emit('message', { data: JSON.stringify(tick(ETH)) })
      receiving = undefined
    },
    stop: () => Promise.all([runner.stop(), transport.shutdown()]),
  }
}

type World = Awaited<ReturnType<typeof build>>

type Command =
  | { do: 'want' | 'open' | 'fail' | 'leave' | 'message'; at: number }
  | { do: 'close'; at: number; code: number }
  | { do: 'url' }
  | { do: 'wait'; ms: number }

const at = fc.nat({ max: 3 })
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('want' as const), at }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('open' as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), at }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('message' as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('close' as const),
      at,
      code: fc.constantFrom(1000, 1001, 1006, 1008),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('url' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 20, 150, 1_020, 2_500, 12_000),
    }),
  },
)

const turns = async () => {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve))
}

const wait = async (ms: number) => {
  await turns()
  await vi.advanceTimersByTimeAsync(ms)
  await turns()
}

/** From the newest back: most of what happens, happens to the newest. */
const pick = (at: number): Puppet | undefined => world.sockets[world.sockets.length - 1 - at]

const perform = async (step: Command, of: World) => {
  if (step.do === 'want') of.want(step.at)
  else if (step.do === 'url') of.moveUrl()
  else if (step.do === 'wait') await wait(step.ms)
  else {
    const socket = pick(step.at)
    if (step.do === 'open') socket?.open()
    else if (step.do === 'fail') socket?.fail()
    else if (step.do === 'leave') socket?.announceEnd()
    else if (step.do === 'close') socket?.end(step.code)
    else if (socket?.readyState === WebSocket.OPEN || socket?.readyState === WebSocket.CLOSING)
      of.deliver(socket)
  }
}

const inUse = () => world.sockets.filter((s) => !s.isDismissed && s.readyState !== WebSocket.CLOSED)

/** Longest back-off, opening, silence and a few passes. */
const T_SETTLE_MS = 3 * 3_000 + 2_000 + 10_000 + 5_000

beforeAll(() => {
  metrics.initialize()
  LoggerFactoryProvider.set(loggerFactory)
})

beforeEach(() => {
  WebSocketClassProvider.set(Puppet as unknown as Parameters<typeof WebSocketClassProvider.set>[0])
  vi.useFakeTimers(FAKED)
})

afterEach(() => {
  vi.useRealTimers()
  WebSocketClassProvider.set(WebSocket)
})

interface Checks {
  /** After every command. */
  always: () => void
  /** Those to which the provider sends while it is fair. */
  heard: (of: World) => (Puppet | undefined)[]
  /** When all has settled. */
  settled: (of: World) => void
}

/** A life of a transport: what the commands do to it, then a fair provider until all has settled, then its stop, which leaves nothing. */
const live = async (commands: Command[], shape: Shape, { always, heard, settled }: Checks) => {
  Object.assign(world, { sockets: [], isFair: false })
  logged.length = 0
  vi.setSystemTime(1_700_000_000_000)
  const of = await build(shape)
  of.want(0)
  try {
    for (const step of commands) {
      await perform(step, of)
      await turns()
      always()
    }
    world.isFair = true
    for (const socket of world.sockets) if (socket.isDismissed) socket.end(1000)
    // Nobody asks for this one again.
    of.want(2)
    for (let past = 0; past < T_SETTLE_MS; past += 1_000) {
      of.want(0)
      of.want(1)
      for (const socket of heard(of)) if (socket?.readyState === WebSocket.OPEN) of.deliver(socket)
      await wait(1_000)
    }
    settled(of)
  } finally {
    world.isFair = true
    const stopping = of.stop()
    await wait(1_100)
    await stopping
  }
  expect(of.violations).toEqual([])
  expect(inUse()).toEqual([])
  await wait(0)
  expect(vi.getTimerCount()).toBe(0)
  const made = world.sockets.length
  await wait(60_000)
  expect(world.sockets).toHaveLength(made)
}

const lives = fc.array(command, { minLength: 5, maxLength: 40 })
const currentOf = ({ transport }: World) => transport.wsConnection as unknown as Puppet | undefined

describe('whatever happens to connections', () => {
  it.each([
    ['without an open handler', {}],
    ['with an open handler that takes a while', { openMs: 300 }],
  ] satisfies [string, Shape][])(
    'CN-1, CN-6, SB-1: there is one, it is subscribed to what is wanted, and stopping leaves nothing, %s',
    (_, shape) =>
      fc.assert(
        fc.asyncProperty(lives, (commands) =>
          live(commands, shape, {
            always: () => expect(inUse().length).toBeLessThanOrEqual(1),
            heard: (of) => [currentOf(of)],
            settled: (of) => {
              const [socket, ...others] = inUse()
              expect(others).toEqual([])
              expect(socket?.readyState).toBe(WebSocket.OPEN)
              expect(socket).toBe(currentOf(of))
              const { localSubscriptions } = of.transport
              const wanted = localSubscriptions.map(({ base, quote }) => `${base}/${quote}`).sort()
              expect(wanted).toEqual(['BTC/USD', 'ETH/USD'])
              expect(socket?.subscribed).toEqual(wanted)
            },
          }),
        ),
        { numRuns: 150 },
      ),
    60_000,
  )

  it('a feed that is suspected has one connection of its own at most, and no feed is subscribed twice', () => {
    const oneOfEach = () => {
      expect(inUse().length).toBeLessThanOrEqual(2)
      const feeds = inUse().flatMap(({ subscribed }) => subscribed)
      expect(new Set(feeds).size).toBe(feeds.length)
      return feeds
    }
    return fc.assert(
      fc.asyncProperty(lives, (commands) =>
        live(
          commands,
          { hasAside: true },
          {
            always: oneOfEach,
            heard: () => {
              oneOfEach()
              return inUse()
            },
            settled: () => expect(oneOfEach()).toEqual(expect.arrayContaining(['BTC/USD', 'ETH/USD'])),
          },
        ),
      ),
      { numRuns: 150 },
    )
  }, 60_000)

  it(
    'stopping at any moment leaves no timer and no socket',
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 15 }), async (commands) => {
          Object.assign(world, { sockets: [], isFair: false })
          vi.setSystemTime(1_700_000_000_000)
          const of = await build({ hasAside: true })
          of.want(0)
          for (const step of commands) await perform(step, of)
          const stopping = of.stop()
          // Peers that answer nothing any more.
          await wait(1_100)
          await stopping
          await wait(0)
          expect(vi.getTimerCount()).toBe(0)
          expect(inUse()).toEqual([])
          expect(world.sockets.every(({ readyState }) => readyState === WebSocket.CLOSED)).toBe(true)
        }),
        { numRuns: 100 },
      ),
    60_000,
  )
})
