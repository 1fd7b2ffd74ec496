/** How often and how fast a provider is connected to and written to, and what becomes of it after an outage. */
import { Buffer } from 'node:buffer'
import { count, isTrue, named, Rig, some } from './alive-bench.mjs'
import { CountingProvider } from './counting-provider.mjs'
import { expected, nowMs, pause, seconds, within } from '../outside/waiting.mjs'

/** What was sent just far enough apart may arrive a little less far apart. */
const JITTER_MS = 50
const PER_SECOND = 60
const FEEDS = 300

const pacing = {
  name: 'WebSocket, 300 feeds, 60 messages a second',
  isLong: true,
  async run(bench) {
    const declared = { limits: { messages: { count: PER_SECOND, perMs: 1_000 } } }
    const rig = await Rig.start(bench, 'ws', { declared })
    const { provider } = rig
    const all = named(FEEDS)
    await rig.ask(all)
    const isAll = () => all.every((symbol) => provider.isTicking(symbol))
    const isFirst = await within(20_000, isAll, isTrue)
    provider.closeAll()
    await within(5_000, () => !isAll(), isTrue)
    const isAgain = await within(20_000, isAll, isTrue)
    const most = provider.most(provider.messages, 1_000, JITTER_MS)
    const saw = `up to ${most} messages within a second, ${isFirst && isAgain ? 'all subscribed, again after the reconnect' : 'not all subscribed'}`
    return { ok: most <= PER_SECOND && isFirst === true && isAgain === true, saw }
  },
}

const CONNECTS = { count: 4, perMs: 10_000 }
const CONNECTS_WATCH_MS = 25_000

const closing = {
  name: 'WebSocket, four connects in ten seconds',
  isLong: true,
  async run(bench) {
    const say = { connected: (connection) => setTimeout(() => connection.close(1001), 1_500) }
    const rig = await Rig.start(bench, 'ws', { say, declared: { limits: { connects: CONNECTS } } })
    await rig.ask(['A'])
    await pause(CONNECTS_WATCH_MS)
    const { connects } = rig.provider
    const most = rig.provider.most(connects, CONNECTS.perMs, JITTER_MS)
    const saw = `up to ${most} connections in ten seconds, ${connects.length} in ${seconds(CONNECTS_WATCH_MS)}`
    return { ok: most <= CONNECTS.count && connects.length > 2, saw }
  },
}

/** Twelve connections are needed in one moment. */
const atOnce = {
  name: 'WebSocket, twelve connections at once',
  isLong: true,
  async run(bench) {
    const limits = { subscriptionsPerConnection: 2, connects: CONNECTS }
    const rig = await Rig.start(bench, 'ws', { declared: { limits } })
    const { provider } = rig
    await rig.ask(named(24))
    const isAll = await within(CONNECTS_WATCH_MS + 15_000, () =>
      named(24).every((s) => provider.isTicking(s)),
    )
    const most = provider.most(provider.connects, CONNECTS.perMs, JITTER_MS)
    const held = Math.max(...provider.carried.map(({ size }) => size))
    const saw = `up to ${count(most, 'connection')} in ten seconds, ${provider.connects.length} in all, up to ${count(held, 'feed')} on one`
    return { ok: isAll === true && most <= CONNECTS.count && held <= 2, saw }
  },
}

const RETRY_AFTER_S = 5

/** The first handshake is refused. */
const refusing = (status, headers) => ({ upgrade: (n) => (n === 1 ? { status, headers } : undefined) })

const told = ['ws', 'sse'].flatMap((kind) =>
  [429, 503].map((status) => ({
    name: `${kind === 'ws' ? 'WebSocket' : 'SSE'}, ${status} with Retry-After`,
    async run(bench) {
      const rig = await Rig.start(bench, kind, { say: refusing(status, { 'retry-after': RETRY_AFTER_S }) })
      const { connects } = rig.provider
      await rig.ask(['A'])
      await expected('handshake', 5_000, () => connects.length > 0)
      await within(3 * RETRY_AFTER_S * 1_000, () => connects.length > 1, isTrue)
      const waitedMs = (connects[1]?.atMs ?? Infinity) - connects[0].atMs
      const isBack = await within(10_000, async () => (await rig.notFresh(['A'])).length === 0, isTrue)
      const saw = `the next handshake came after ${waitedMs === Infinity ? 'more than' : ''} ${seconds(Math.min(waitedMs, 3 * RETRY_AFTER_S * 1_000))}`
      return { ok: waitedMs >= RETRY_AFTER_S * 1_000 - JITTER_MS && isBack === true, saw }
    },
  })),
)

const UNTOLD_MS = 10_000

const untold = ['ws', 'sse'].map((kind) => ({
  name: `${kind === 'ws' ? 'WebSocket' : 'SSE'}, 429 without it`,
  isLong: true,
  async run(bench) {
    const rig = await Rig.start(bench, kind, { say: { upgrade: () => ({ status: 429 }) } })
    const { connects } = rig.provider
    await rig.ask(['A'])
    await expected('handshake', 5_000, () => connects.length > 0)
    await pause(UNTOLD_MS)
    return {
      ok: connects.length <= 2,
      saw: `${count(connects.length, 'handshake')} in ${seconds(UNTOLD_MS)}`,
    }
  },
}))

const BACK_MS = 20_000

const wayBack = {
  name: 'WebSocket, two URLs',
  isLong: true,
  async run(bench) {
    const [first, second] = [new CountingProvider(), new CountingProvider()]
    const declared = () => ({
      urls: [first.url, second.url],
      failover: { dwellMs: 1_000, returnAfterMs: 5_000 },
    })
    const env = { WS_CONNECTION_OPEN_TIMEOUT: '1000' }
    const rig = await Rig.start(bench, 'ws', { providers: [first, second], declared, env })
    await rig.ask(['A'])
    await expected('tick of the first', 10_000, () => first.isTicking('A'))
    first.stop()
    await expected('tick of the second', 20_000, () => second.isTicking('A'))
    await first.start()
    const fromMs = nowMs()
    const isBack = await within(BACK_MS, () => first.isTicking('A') && !second.isTicking('A'), isTrue)
    const dead = await rig.notFresh(['A'])
    const tookMs = nowMs() - fromMs
    const saw = `${isBack ? `back after ${seconds(tookMs)}` : `not back in ${seconds(tookMs)}`}${dead.length > 0 ? `; not fresh: ${some(dead)}` : ''}`
    return { ok: isBack === true && dead.length === 0, saw }
  },
}

/** A frame that says 1001, from a peer that then neither reads nor closes. */
const FAREWELL = Buffer.from([0x88, 0x02, 0x03, 0xe9])
const FAREWELL_MS = 5_000

const halfClosed = {
  name: 'WebSocket, the announced end does not come',
  async run(bench) {
    const rig = await Rig.start(bench, 'ws')
    const { provider } = rig
    await rig.ask(['A'])
    await expected('tick', 10_000, () => provider.isTicking('A'))
    const [connection] = provider.log('subscribe', 'A').map((one) => one.connection)
    provider.forget('A')
    connection._socket.pause()
    connection._socket.write(FAREWELL)
    const fromMs = nowMs()
    const isBack = await within(4 * FAREWELL_MS, () => provider.isTicking('A'), isTrue)
    const tookMs = nowMs() - fromMs
    const saw = isBack ? `subscribed again after ${seconds(tookMs)}` : `not again in ${seconds(tookMs)}`
    return { ok: isBack === true && tookMs <= FAREWELL_MS, saw }
  },
}

const UNANSWERED_MS = 25_000

const noHandshake = ['ws', 'sse'].map((kind) => ({
  name: kind === 'ws' ? 'WebSocket' : 'SSE',
  isLong: true,
  async run(bench) {
    const env = { WS_CONNECTION_OPEN_TIMEOUT: '1000', STREAM_HANDLER_RETRY_MAX_MS: '3000' }
    const rig = await Rig.start(bench, kind, { say: { upgrade: () => ({}) }, env })
    const { provider } = rig
    await rig.ask(['A'])
    let most = 0
    for (const end = nowMs() + UNANSWERED_MS; nowMs() < end; await pause(20))
      most = Math.max(most, provider.waiting.size)
    const saw = `${count(provider.connects.length, 'attempt')}, up to ${count(most, 'connection')} open at once`
    return { ok: most <= 1 && provider.connects.length > 1, saw }
  },
}))

/** The only value comes in the same turn as the answer to the handshake. */
const withHandshake = {
  name: 'WebSocket',
  async run(bench) {
    const connected = (connection) => connection.send(JSON.stringify({ symbol: 'A', result: Date.now() }))
    const rig = await Rig.start(bench, 'ws', { say: { connected, subscribe: () => false } })
    await rig.ask(['A'])
    const isServed = await within(5_000, async () => (await rig.ask(['A']))[0].status === 200, isTrue)
    return { ok: isServed === true, saw: isServed ? 'served' : 'lost' }
  },
}

export const connectionLines = [
  {
    name: 'half-closed',
    law: 'CN-2, CN-10',
    scenario: 'the provider announces the end of a connection, and then neither reads nor closes it',
    right: 'subscribed again on another one within 5 s',
    cases: [halfClosed],
  },
  {
    name: 'no-handshake',
    law: 'CN-6, CN-10',
    scenario: 'the provider takes connections and never answers a handshake',
    right: 'further attempts, and never two connections open at once',
    cases: noHandshake,
  },
  {
    name: 'with-handshake',
    law: 'CN-4',
    scenario: 'the only value comes together with the answer to the handshake',
    right: 'it is served',
    cases: [withHandshake],
  },
  {
    name: 'paced',
    law: 'SB-7',
    scenario:
      '300 feeds are wanted, then the provider closes the connection; 60 messages a second are declared',
    right: 'never more than 60 in any second, and all are subscribed, before and after',
    cases: [pacing],
  },
  {
    name: 'connects',
    law: 'SB-7, CN-5',
    scenario:
      'four connects in ten seconds are declared; the provider closes each connection after 1.5 s, or two feeds a connection are declared and 24 are wanted at once',
    right: 'never more than four in any ten seconds',
    cases: [closing, atOnce],
  },
  {
    name: 'retry-after-handshake',
    law: 'RL-1',
    scenario: 'the handshake is refused with 429 or 503, with `Retry-After: 5` or without',
    right: 'no handshake before that, then back; without it a pause',
    cases: [...told, ...untold],
  },
  {
    name: 'way-back',
    law: 'FO-1',
    scenario: 'two URLs; the first one dies, the second takes over, the first one is healthy again',
    right: 'back at the first one',
    cases: [wayBack],
  },
]
