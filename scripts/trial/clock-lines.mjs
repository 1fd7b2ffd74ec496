/** What must go on, and end, by real time although the wall clock is set while the service runs. */
import { clearInterval, setInterval } from 'node:timers'
import { EARLY_MS, HOUR_MS, LIFE_MS, MINUTE_MS, SECOND_MS, SLACK_MS } from './limits.mjs'
import { nowMs, pause, seconds, within } from '../outside/waiting.mjs'

const connected = [
  { name: 'WebSocket', kind: 'ws' },
  { name: 'WebSocket, two workers', kind: 'ws', workers: 2, only: 'ours' },
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
      // It is wanted all the time.
      await watch(feed, SLACK_MS)
      const more = feed.provider.connections - known
      return { ok: more === 0, saw: more === 0 ? 'kept' : 'replaced, although it lives' }
    } finally {
      stop()
    }
  },
}))

/**
 * Sends another value, with its true time, ten times a second or so.
 *
 * @param aheadMs - by how much the world is ahead of this process, because it slept through it with the service
 */
const ticking = (feed, everyMs = 100, aheadMs = () => 0) => {
  let value = 100
  const now = () => Date.now() + aheadMs()
  const time = feed.venue === undefined ? now : () => new Date(now()).toISOString()
  const send = () => feed.tick(++value, { time })
  send()
  const timer = setInterval(send, everyMs)
  return () => clearInterval(timer)
}

const tickers = [
  { name: 'WebSocket, guards', kind: 'ws', guards: { maxAgeMs: MINUTE_MS } },
  { name: 'SSE, guards', kind: 'sse', guards: { maxAgeMs: MINUTE_MS } },
  { name: 'HTTP polling, guards', kind: 'http', guards: { maxAgeMs: MINUTE_MS } },
  {
    name: 'WebSocket, guards, two workers',
    kind: 'ws',
    guards: { maxAgeMs: MINUTE_MS },
    workers: 2,
    only: 'ours',
  },
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

/** @param sleepMs - the machine sleeps, instead of having its clock set */
const honest = ({ byMs, sleepMs }) =>
  tickers.map(({ name, only, kind, ...of }) => ({
    name,
    only,
    async run(bench) {
      const feed = await bench.feed(kind, of)
      let aheadMs = 0
      const stop = ticking(feed, undefined, () => aheadMs)
      try {
        await feed.value()
        // So that the feed has shown before the step that its times are right.
        await pause(SECOND_MS)
        if (sleepMs !== undefined) aheadMs = sleepMs
        await (sleepMs === undefined ? bench.clock.step(byMs) : bench.sleep(sleepMs))
        const { longestMs, errors } = await watch(feed, 2_500)
        const besides = errors === 0 ? '' : `, answers without one: ${errors}`
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

/** All members of that name, wherever they are. */
const clocksIn = (value) =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, member]) => (name === 'clock' ? [member] : clocksIn(member)))
    : []

const WHERE = {
  log: (byMs) => (feed) =>
    feed.service.lines.some(
      ({ msg, ...fields }) => /clock/i.test(msg ?? '') && numbersIn(fields).some(isAbout(byMs)),
    ),
  '/status': (byMs) => async (feed) =>
    clocksIn(await feed.service.status())
      .flatMap(numbersIn)
      .some(isAbout(byMs)),
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

const WAYS = [
  { name: 'WebSocket', kind: 'ws', setting: 'WS_SUBSCRIPTION_TTL' },
  { name: 'HTTP polling', kind: 'http', setting: 'WARMUP_SUBSCRIPTION_TTL' },
  { name: 'SSE', kind: 'sse', setting: 'SSE_SUBSCRIPTION_TTL' },
]
const wants = [
  ...WAYS,
  ...WAYS.map((way) => ({ ...way, name: `${way.name}, two workers`, workers: 2, only: 'ours' })),
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

const hour = '1 h'

export const clockLines = [
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
    cases: honest({ byMs: -10 * MINUTE_MS }),
  },
  {
    name: 'honest-ticks-ahead',
    law: 'FR-1, TM-3',
    scenario: 'ten ticks a second with true times; the wall clock is set ahead by 10 min',
    right: 'values go on changing within a second',
    cases: honest({ byMs: 10 * MINUTE_MS }),
  },
  {
    name: 'honest-ticks-after-sleep',
    law: 'FR-1, TM-3',
    scenario: `ten ticks a second with true times; the machine sleeps for ${hour}`,
    right: 'values go on changing within a second',
    cases: honest({ sleepMs: HOUR_MS }),
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
