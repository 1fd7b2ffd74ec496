/** Single feeds that a provider forgets, refuses, or closes the connection for. */
import { clearInterval, setInterval } from 'node:timers'
import { codeOf, count, gapText, isTrue, named, Rig, some, times } from './alive-bench.mjs'
import { CountingProvider } from './counting-provider.mjs'
import { WsProvider } from './providers.mjs'
import { coinbaseHeartbeat } from './venues.mjs'
import { expected, nowMs, pause, seconds, within } from '../outside/waiting.mjs'

/** At which a provider closes the connection. */
const POISON = 'POISON'
const POISON_WATCH_MS = 30_000
/** Good feeds lose seconds: the search for the culprit, and one reconnect. */
const LONGEST_LOSS_MS = 8_000

const poison = [
  { name: 'asked once', everyMs: undefined },
  { name: 'asked every second', everyMs: 1_000 },
].map(({ name, everyMs }) => ({
  name: `WebSocket, ${name}`,
  isLong: true,
  async run(bench) {
    const say = {
      subscribe: (connection, symbol) => {
        if (symbol === POISON) connection.terminate()
        return symbol !== POISON
      },
    }
    const good = named(10)
    const rig = await Rig.start(bench, 'ws', { say })
    await rig.ask([...good, POISON])
    for (const end = nowMs() + POISON_WATCH_MS; nowMs() < end; await pause(everyMs ?? POISON_WATCH_MS))
      if (everyMs !== undefined) await rig.ask([...good, POISON])
    const gap = rig.provider.longestGapMs(good)
    const dead = await rig.notFresh(good)
    const [answer] = await rig.ask([POISON])
    const code = codeOf(answer)
    const saw = `${dead.length === 0 ? 'all good feeds are fresh' : `not fresh: ${some(dead)}`}, longest loss ${gapText(gap)}, ${count(rig.provider.connects.length, 'connection')}, the culprit ${code === undefined ? 'has no reason' : `says ${code}`}`
    return { ok: dead.length === 0 && gap <= LONGEST_LOSS_MS && code === 'QUARANTINED', saw }
  },
}))

const WAKE_MS = 25_000
/** While single feeds are asked for again all others tick on. */
const TICKING_MS = 1_500

const forgotten = {
  name: 'WebSocket, one of two is forgotten',
  isLong: true,
  async run(bench) {
    const rig = await Rig.start(bench, 'ws')
    await rig.ask(['AAA', 'BBB'])
    await expected('tick', 10_000, async () => (await rig.notFresh(['AAA', 'BBB'])).length === 0)
    await pause(3_000)
    rig.provider.forget('BBB')
    const fromMs = nowMs()
    const back = await within(WAKE_MS, () => rig.provider.isTicking('BBB'), isTrue)
    const tookMs = nowMs() - fromMs
    const asked = rig.provider.log('subscribe', 'BBB').length
    const gap = rig.provider.longestGapMs(['AAA'])
    const saw = `${back ? `asked for again after ${seconds(tookMs)}` : `still forgotten after ${seconds(tookMs)}, asked for ${times(asked)}`}; the other one lost ${gapText(gap)}`
    return { ok: back === true && gap <= TICKING_MS, saw }
  },
}

const NEVER_MS = 55_000

/** What is declared of a provider that answers; to builds without batches it answers in vain. */
const BATCHES = { size: 10, ackWithinMs: 2_000, firstDataMs: 3_000 }

const neverTicks = [
  { kind: 'WebSocket', declared: {} },
  { kind: 'WebSocket with batches', declared: { batches: BATCHES } },
].map(({ kind, declared }) => ({
  name: `${kind}, one of fifty never ticks`,
  isLong: true,
  async run(bench) {
    const all = named(49)
    const accepts = declared.batches !== undefined
    const say = { subscribe: (_, symbol) => symbol !== 'MUTE', accepts }
    const rig = await Rig.start(bench, 'ws', { say, declared })
    const { provider } = rig
    await rig.ask([...all, 'MUTE'])
    const connections = () => new Set(provider.log('subscribe', 'MUTE').map(({ connection }) => connection))
    await within(NEVER_MS, () => connections().size > 1, isTrue)
    const [answer] = await rig.ask(['MUTE'])
    const asked = provider.log('subscribe', 'MUTE').length
    const gap = provider.longestGapMs(all)
    const ok = asked > 2 && connections().size > 1 && codeOf(answer) !== undefined && gap <= TICKING_MS
    const saw = `asked for ${times(asked)} on ${count(connections().size, 'connection')}, ${codeOf(answer) === undefined ? 'has no reason' : `says ${codeOf(answer)}`}; the others lost ${gapText(gap)}`
    return { ok, saw }
  },
}))

const stopped = {
  name: 'coinbase, ticker stops, heartbeats show newer trades',
  only: 'ours',
  isLong: true,
  async run(bench) {
    const feed = await bench.feed('coinbase')
    feed.tick(100)
    await feed.value()
    await pause(500)
    feed.provider.subscribed.delete(feed.symbol)
    const beat = setInterval(() => feed.provider.send(coinbaseHeartbeat(feed.symbol, 1_000_000)), 500)
    const back = await within(WAKE_MS, () => feed.provider.subscribed.has(feed.symbol), isTrue)
    clearInterval(beat)
    return { ok: back === true, saw: back ? 'asked for again' : `not asked for again in ${seconds(WAKE_MS)}` }
  },
}

const QUIET = { CACHE_MAX_AGE: '3000' }
const QUIET_MS = 8_000

const heartbeats = {
  name: 'bitfinex, a channel with nothing but heartbeats',
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed('bitfinex', { env: QUIET })
    feed.tick(100)
    await feed.value()
    const beat = setInterval(() => feed.provider.send([1, 'hb']), 500)
    const gone = await within(
      QUIET_MS,
      () => feed.ask(),
      ({ status }) => status !== 200,
    )
    clearInterval(beat)
    return { ok: gone === undefined, saw: gone === undefined ? 'served' : `${gone.status}: ${gone.why}` }
  },
}

/** A value again, or a reason that has a name. */
const valueOrReason = async (feed, ms) => {
  const seen = await within(
    ms,
    () => feed.ask(),
    (answer) => answer.status === 200 || codeOf(answer) !== undefined,
  )
  return {
    ok: seen !== undefined,
    saw: seen === undefined ? 'no value, and no reason' : `${codeOf(seen) ?? seen.status}`,
  }
}

const snapshot = {
  name: 'kraken, a snapshot and then nothing',
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed('kraken', { env: QUIET })
    feed.tick(100)
    await feed.value()
    const beat = setInterval(() => feed.provider.send({ channel: 'heartbeat' }), 500)
    await expected(
      'end of the value',
      10_000,
      () => feed.ask(),
      ({ status }) => status !== 200,
    ).catch(() => {})
    const seen = await valueOrReason(feed, 20_000)
    clearInterval(beat)
    return seen
  },
}

const untraded = {
  name: 'coinbase, a product that was never traded',
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed('coinbase')
    await feed.ask()
    await expected('subscription', 5_000, () => feed.provider.subscribed.has(feed.symbol))
    const beat = setInterval(() => feed.provider.send(coinbaseHeartbeat(feed.symbol, 0)), 500)
    const seen = await valueOrReason(feed, 20_000)
    clearInterval(beat)
    return seen
  },
}

/**
 * Takes the first subscription and sends its ticks, but the answer that would name its channel is lost. To further ones it says that there is
 * one already, without the number of its channel. Later connections are in order.
 */
const already = () => {
  let connections = 0
  const asked = new Set()
  const channel = () => 7 + connections
  return {
    greeting() {
      connections++
      asked.clear()
      return [{ event: 'info', version: 2, serverId: 'trial', platform: { status: 1 } }]
    },
    read({ event, symbol, chanId, ...rest }) {
      if (event === 'conf') return { answers: [{ event, ...rest, status: 'OK' }] }
      if (event === 'unsubscribe') return { answers: [{ event: 'unsubscribed', status: 'OK', chanId }] }
      if (event !== 'subscribe') return {}
      const of = { channel: 'ticker', symbol, pair: symbol.slice(1) }
      if (connections > 1)
        return { answers: [{ event: 'subscribed', chanId: channel(), ...of }], subscribe: [symbol] }
      const isFirst = !asked.has(symbol)
      asked.add(symbol)
      const dup = { event: 'error', msg: 'subscribe: dup', code: 10_301, ...of }
      return { answers: isFirst ? [] : [dup], subscribe: [symbol] }
    },
    tick: (symbol, { last }) => [
      channel(),
      [last - 1, 1, last + 1, 1, 5, 0.01, last, 900, 2 * last, last / 2],
      Date.now(),
    ],
  }
}

const ADOPTED_MS = 40_000

const dup = {
  name: 'bitfinex, "subscribe: dup" without a channel',
  only: 'ours',
  isLong: true,
  async run(bench) {
    const provider = new WsProvider(already)
    // A connection that seems silent as a whole is not replaced here.
    const env = () => ({
      BITFINEX_WS_API_ENDPOINT: provider.url,
      BITFINEX_WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '120000',
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '120000',
    })
    const service = await bench.service([provider], { venue: 'bitfinex', env })
    const tick = setInterval(() => provider.tick('tETHUSD', { last: 100 }), 300)
    const fromMs = nowMs()
    const value = await within(
      ADOPTED_MS,
      () => service.ask({ base: 'ETH', quote: 'USD' }),
      ({ status }) => status === 200,
    )
    clearInterval(tick)
    const tookMs = nowMs() - fromMs
    const saw = value === undefined ? `none in ${seconds(tookMs)}` : `a value after ${seconds(tookMs)}`
    return { ok: value !== undefined, saw: `${saw}, ${count(provider.connections, 'connection')}` }
  },
}

const CAPACITY = 5

const quota = {
  name: 'WebSocket, five a connection',
  async run(bench) {
    let most = 0
    const say = {
      subscribe(connection, _symbol, carried) {
        most = Math.max(most, carried.size + 1)
        if (carried.size < CAPACITY) return true
        connection.send(JSON.stringify({ error: 'too many subscriptions' }))
        return false
      },
    }
    const provider = new CountingProvider(say)
    const declared = { limits: { subscriptionsPerConnection: CAPACITY } }
    const rig = await Rig.start(bench, 'ws', { providers: [provider], declared })
    const all = named(12)
    await rig.ask(all)
    const isAll = async () => (await rig.notFresh(all)).length === 0
    await within(15_000, isAll, isTrue)
    const dead = await rig.notFresh(all)
    const before = provider.log('subscribe').length
    await rig.ask(['ONE-MORE'])
    await within(5_000, () => provider.isTicking('ONE-MORE'), isTrue)
    const moved = provider.log('subscribe').length - before - 1 + provider.log('unsubscribe').length
    const saw = `${dead.length === 0 ? 'all fresh' : `no value: ${some(dead)}`} on ${count(provider.carried.length, 'connection')}, up to ${most} on one; one more feed moved ${moved}`
    return { ok: dead.length === 0 && most <= CAPACITY && moved === 0 && provider.isTicking('ONE-MORE'), saw }
  },
}

export const subscriptionLines = [
  {
    name: 'poison',
    law: 'SB-5',
    scenario: 'ten good feeds, and one at which the provider closes the connection',
    right: 'the good ones lose seconds, the culprit is kept off and says so',
    cases: poison,
  },
  {
    name: 'silent-feed',
    law: 'SB-6, SB-3, FR-3',
    scenario: 'the provider forgets one subscription, never sends anything for it, or has nothing new for it',
    right: 'asked for again alone, then on another connection, the others tick on; a value or a named reason',
    cases: [forgotten, ...neverTicks, stopped, heartbeats, snapshot, untraded],
  },
  {
    name: 'per-connection',
    law: 'SB-7, SB-8',
    scenario:
      'the provider takes five subscriptions on one connection, which is declared; twelve feeds are wanted, then one more',
    right: 'every feed has a value, and the one more moves no other',
    cases: [quota],
  },
  {
    name: 'already-subscribed',
    law: 'SB-1',
    scenario: 'Bitfinex says `subscribe: dup` without the number of the channel',
    right: 'adopted: its value is served',
    cases: [dup],
  },
]
