/** What must hold although the wall clock is set, or the machine sleeps, while the service runs. */
import { clearInterval, setInterval } from 'node:timers'
import { nowMs, pause, seconds, within } from './waiting.mjs'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** For how long a value, a subscription and a silent connection last here. */
const LIFE_MS = 2_000
/** How late the end of it may be noticed; the machine may be busy. */
const SLACK_MS = 1_500
/** Processes look every now and then, and frames take a moment. */
const EARLY_MS = 300

const life = { CACHE_MAX_AGE: String(LIFE_MS) }
const sources = [
  { name: 'WebSocket', kind: 'ws', env: life },
  { name: 'HTTP polling', kind: 'http', env: life },
  { name: 'SSE', kind: 'sse', env: life },
  // The value has a time of the provider, and the guard alone can end it.
  { name: 'WebSocket, guards', kind: 'ws', guards: { maxAgeMs: LIFE_MS }, only: 'ours' },
  { name: 'HTTP polling, guards', kind: 'http', guards: { maxAgeMs: LIFE_MS }, only: 'ours' },
  { name: 'SSE, guards', kind: 'sse', guards: { maxAgeMs: LIFE_MS }, only: 'ours' },
  { name: 'coinbase', kind: 'coinbase', env: life, only: 'ours' },
  { name: 'coinbase, two workers', kind: 'coinbase', env: life, workers: 2, only: 'ours' },
]

/** One value, and then nothing any more. */
const lastValue = async (bench, { kind, ...of }) => {
  const feed = await bench.feed(kind, of)
  feed.tick(100, of.guards === undefined ? {} : { time: () => Date.now() })
  await feed.value()
  feed.provider.silence?.()
  // An answer that is on its way comes before anything happens to the clock.
  await pause(EARLY_MS / 2)
  return feed
}

const isGone = ({ status }) => status !== 200

/** How long the value was served, in ms from when it was sent; undefined when it still is. */
const servedForMs = async (feed) => {
  const leftMs = feed.provider.lastSentMs + LIFE_MS + SLACK_MS - nowMs()
  const gone = await within(leftMs, () => feed.ask(), isGone)
  return gone === undefined ? undefined : nowMs() - feed.provider.lastSentMs
}

const stillServed = { ok: false, saw: `100 still served as good after ${seconds(LIFE_MS + SLACK_MS)}` }

const steppedLife = (byMs, leastMs) =>
  sources.map(({ name, only, ...source }) => ({
    name,
    only,
    async run(bench) {
      const feed = await lastValue(bench, source)
      await bench.clock.step(byMs)
      const ms = await servedForMs(feed)
      if (ms === undefined) return stillServed
      return { ok: ms >= leastMs, saw: `gone after ${seconds(ms)}` }
    },
  }))

const asleep = sources.map(({ name, only, ...source }) => ({
  name,
  only,
  async run(bench) {
    const feed = await lastValue(bench, source)
    await bench.sleep(HOUR_MS)
    const answers = await Promise.all([feed.ask(), feed.ask(), feed.ask(), feed.ask()])
    const served = answers.filter((answer) => !isGone(answer))
    if (served.length > 0) return { ok: false, saw: `${served[0].result} served as good after the sleep` }
    return { ok: true, saw: 'gone with the first answer' }
  },
}))

const connected = [
  { name: 'WebSocket', kind: 'ws' },
  { name: 'coinbase', kind: 'coinbase', only: 'ours' },
  { name: 'coinbase, two workers', kind: 'coinbase', workers: 2, only: 'ours' },
]

const halfOpen = connected.map(({ name, only, kind, workers }) => ({
  name,
  only,
  async run(bench) {
    const env = { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: String(LIFE_MS) }
    const feed = await bench.feed(kind, { workers, env, through: true })
    feed.tick(100)
    await feed.value()
    feed.proxy.halfOpen()
    const known = feed.proxy.connectedAtMs.length
    await bench.clock.step(-HOUR_MS)
    const sentMs = feed.provider.lastSentMs
    const look = async () => (await feed.ask(), feed.proxy.connectedAtMs[known])
    const atMs = await within(LIFE_MS + SLACK_MS, look)
    if (atMs === undefined) return { ok: false, saw: `not replaced within ${seconds(LIFE_MS + SLACK_MS)}` }
    return { ok: atMs - sentMs >= LIFE_MS - EARLY_MS, saw: `replaced after ${seconds(atMs - sentMs)}` }
  },
}))

const kept = connected.map(({ name, only, kind, workers }) => ({
  name,
  only,
  async run(bench) {
    const feed = await bench.feed(kind, { workers })
    const stop = ticking(feed, 500)
    try {
      await feed.value()
      const known = feed.provider.connections
      await bench.clock.step(HOUR_MS)
      await pause(SLACK_MS)
      const more = feed.provider.connections - known
      return { ok: more === 0, saw: more === 0 ? 'kept' : 'replaced, although it lives' }
    } finally {
      stop()
    }
  },
}))

/** Sends another value, with its true time, ten times a second or so. */
const ticking = (feed, everyMs = 100) => {
  let value = 100
  const send = () => feed.tick(++value, feed.venue === undefined ? { time: () => Date.now() } : {})
  send()
  const timer = setInterval(send, everyMs)
  return () => clearInterval(timer)
}

const tickers = [
  { name: 'WebSocket, guards', kind: 'ws', guards: { maxAgeMs: MINUTE_MS } },
  { name: 'coinbase', kind: 'coinbase', env: { FRESHNESS_MAX_AGE: String(MINUTE_MS) }, only: 'ours' },
  {
    name: 'coinbase, two workers',
    kind: 'coinbase',
    workers: 2,
    env: { FRESHNESS_MAX_AGE: String(MINUTE_MS) },
    only: 'ours',
  },
]

/** What a client sees for a while: the longest time without a new value, and the errors. */
const watch = async (feed, ms) => {
  const end = nowMs() + ms
  let [changedMs, longestMs, errors, last] = [nowMs(), 0, 0, undefined]
  while (nowMs() < end) {
    const { status, result } = await feed.ask()
    if (status !== 200) errors++
    else if (result !== last) [last, changedMs] = [result, nowMs()]
    longestMs = Math.max(longestMs, nowMs() - changedMs)
    await pause(40)
  }
  return { longestMs, errors }
}

const honest = (byMs) =>
  tickers.map(({ name, only, kind, ...of }) => ({
    name,
    only,
    async run(bench) {
      const feed = await bench.feed(kind, of)
      const stop = ticking(feed)
      try {
        await feed.value()
        // So that the feed has shown before the step that its times are right.
        await pause(SECOND_MS)
        await bench.clock.step(byMs)
        const { longestMs, errors } = await watch(feed, 2_500)
        const besides = errors === 0 ? '' : `, ${errors} errors`
        const saw = `longest time without a new value ${seconds(longestMs)}${besides}`
        return { ok: longestMs <= SECOND_MS, saw }
      } finally {
        stop()
      }
    },
  }))

const numbersIn = (value) =>
  typeof value === 'number'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(numbersIn)
      : []
const isAbout = (byMs) => (number) => Math.abs(number - byMs) < SECOND_MS

const WHERE = {
  log: (byMs) => (feed) =>
    feed.service.lines.some(
      ({ msg, ...fields }) => /clock/i.test(msg ?? '') && numbersIn(fields).some(isAbout(byMs)),
    ),
  '/status': (byMs) => async (feed) => numbersIn((await feed.service.status())?.clock).some(isAbout(byMs)),
}

const named = [-10 * MINUTE_MS, 10 * MINUTE_MS].flatMap((byMs) =>
  Object.entries(WHERE).map(([where, isThere]) => ({
    name: `${where}, ${byMs < 0 ? 'back' : 'ahead'}`,
    async run(bench) {
      const feed = await bench.feed('ws', { guards: { maxAgeMs: MINUTE_MS } })
      const stop = ticking(feed)
      try {
        await feed.value()
        await bench.clock.step(byMs)
        const ok = (await within(2_000, () => isThere(byMs)(feed))) === true
        return { ok, saw: ok ? 'named' : 'not named' }
      } finally {
        stop()
      }
    },
  })),
)

const wants = [
  { name: 'WebSocket', kind: 'ws', setting: 'WS_SUBSCRIPTION_TTL' },
  { name: 'HTTP polling', kind: 'http', setting: 'WARMUP_SUBSCRIPTION_TTL' },
  { name: 'SSE', kind: 'sse', setting: 'SSE_SUBSCRIPTION_TTL' },
  { name: 'coinbase', kind: 'coinbase', setting: 'WS_SUBSCRIPTION_TTL', only: 'ours' },
  {
    name: 'coinbase, two workers',
    kind: 'coinbase',
    setting: 'WS_SUBSCRIPTION_TTL',
    workers: 2,
    only: 'ours',
  },
]

/** A provider that is polled knows that it is not wanted any more by not being asked; one that streams may be between two connections. */
const GONE_MS = 500
const isWanted = ({ provider }, kind) =>
  kind === 'http' ? nowMs() - provider.lastSentMs < GONE_MS : provider.subscribed.size > 0

/** When the provider was left for good, by the clock of the trial; undefined when that was not before `endMs`. */
const leftAtMs = async (feed, kind, endMs) => {
  let wantedMs = nowMs()
  const isLeft = () => {
    if (isWanted(feed, kind)) wantedMs = nowMs()
    return nowMs() - wantedMs > GONE_MS
  }
  const isKnown = await within(endMs + GONE_MS - nowMs(), isLeft)
  return isKnown === undefined ? undefined : wantedMs
}

const unsubscribed = (byMs) =>
  wants.map(({ name, only, kind, setting, workers }) => ({
    name,
    only,
    async run(bench) {
      const feed = await bench.feed(kind, { workers, env: { [setting]: String(LIFE_MS) } })
      feed.tick(100)
      const askedMs = nowMs()
      await feed.ask()
      if (!(await within(LIFE_MS, () => isWanted(feed, kind)))) throw new Error('it was never subscribed')
      await bench.clock.step(byMs)
      const left = await leftAtMs(feed, kind, askedMs + LIFE_MS + SLACK_MS)
      if (left === undefined)
        return { ok: false, saw: `still subscribed after ${seconds(LIFE_MS + SLACK_MS)}` }
      return { ok: left - askedMs >= LIFE_MS - EARLY_MS, saw: `left after ${seconds(left - askedMs)}` }
    },
  }))

const silent = 'one value, then the provider is silent'
const hour = '1 h'

export const clockLines = [
  {
    name: 'clock-back-30s',
    law: 'FR-1, TM-6',
    scenario: `${silent}; the wall clock is set back by 30 s`,
    right: `no value after ${LIFE_MS / 1000} s of real time, and not before`,
    cases: steppedLife(-30 * SECOND_MS, LIFE_MS - EARLY_MS),
  },
  {
    name: 'clock-back-1h',
    law: 'FR-1, TM-6',
    scenario: `${silent}; the wall clock is set back by ${hour}`,
    right: `no value after ${LIFE_MS / 1000} s of real time, and not before`,
    cases: steppedLife(-HOUR_MS, LIFE_MS - EARLY_MS),
  },
  {
    name: 'clock-ahead-1h',
    law: 'FR-1, TM-6',
    scenario: `${silent}; the wall clock is set ahead by ${hour}`,
    right: `no value after ${LIFE_MS / 1000} s of real time at the latest`,
    cases: steppedLife(HOUR_MS, 0),
  },
  {
    name: 'machine-sleeps',
    law: 'FR-1, TM-6',
    scenario: `${silent}; the machine sleeps for ${hour}`,
    right: 'no value from the first answer on',
    cases: asleep,
  },
  {
    name: 'half-open',
    law: 'CN-2, TM-6',
    scenario: `the connection is half-open; the wall clock is set back by ${hour}`,
    right: `it is replaced after WS_SUBSCRIPTION_UNRESPONSIVE_TTL (${LIFE_MS / 1000} s) of real time`,
    cases: halfOpen,
  },
  {
    name: 'live-connection',
    law: 'CN-3, TM-6',
    scenario: `two ticks a second; the wall clock is set ahead by ${hour}`,
    right: 'the connection is kept',
    cases: kept,
  },
  {
    name: 'honest-ticks-back',
    law: 'TM-2, TM-3',
    scenario: 'ten ticks a second with true times; the wall clock is set back by 10 min',
    right: 'values go on changing within a second',
    cases: honest(-10 * MINUTE_MS),
  },
  {
    name: 'honest-ticks-ahead',
    law: 'FR-1, TM-3',
    scenario: 'ten ticks a second with true times; the wall clock is set ahead by 10 min',
    right: 'values go on changing within a second',
    cases: honest(10 * MINUTE_MS),
  },
  {
    name: 'step-named',
    law: 'TM-3',
    scenario: 'the wall clock is set back, or ahead, by 10 min',
    right: 'the log says so, and `clock` in `/status`',
    cases: named,
  },
  {
    name: 'unsubscribe-back',
    law: 'SB-4, TM-6',
    scenario: `asked for once; the wall clock is set back by ${hour}`,
    right: `it is left after its subscription TTL (${LIFE_MS / 1000} s) of real time`,
    cases: unsubscribed(-HOUR_MS),
  },
  {
    name: 'unsubscribe-ahead',
    law: 'SB-4, TM-6',
    scenario: `asked for once; the wall clock is set ahead by ${hour}`,
    right: `it is left after its subscription TTL (${LIFE_MS / 1000} s) of real time`,
    cases: unsubscribed(HOUR_MS),
  },
]
