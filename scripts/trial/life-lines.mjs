/** For how long a value is served, although the wall clock is set, or the machine sleeps, while the service runs. */
import { EARLY_MS, HOUR_MS, LIFE_MS, SECOND_MS, SLACK_MS } from './limits.mjs'
import { WAYS } from './ways.mjs'
import { expected, nowMs, pause, seconds, within } from '../outside/waiting.mjs'

const life = { CACHE_MAX_AGE: String(LIFE_MS) }
const sources = [
  ...Object.entries(WAYS).map(([kind, name]) => ({ name, kind, env: life })),
  ...Object.entries(WAYS).map(([kind, name]) => ({
    name: `${name}, two workers`,
    kind,
    env: life,
    workers: 2,
    only: 'ours',
  })),
  // The value has a time of the provider, and the guard alone can end it.
  { name: 'WebSocket, guards', kind: 'ws', guards: { maxAgeMs: LIFE_MS }, only: 'ours' },
  { name: 'HTTP polling, guards', kind: 'http', guards: { maxAgeMs: LIFE_MS }, only: 'ours' },
  { name: 'SSE, guards', kind: 'sse', guards: { maxAgeMs: LIFE_MS }, only: 'ours' },
  {
    name: 'WebSocket, guards, two workers',
    kind: 'ws',
    guards: { maxAgeMs: LIFE_MS },
    workers: 2,
    only: 'ours',
  },
  { name: 'coinbase', kind: 'coinbase', env: life, only: 'ours' },
  { name: 'coinbase, two workers', kind: 'coinbase', env: life, workers: 2, only: 'ours' },
  {
    name: 'coinbase, two workers, FRESHNESS_MAX_AGE',
    kind: 'coinbase',
    env: { FRESHNESS_MAX_AGE: String(LIFE_MS) },
    workers: 2,
    only: 'ours',
  },
]

/** One value, and then nothing any more. */
const lastValue = async (bench, { kind, ...of }, before = async () => {}) => {
  const feed = await bench.feed(kind, of)
  const more = of.guards === undefined ? {} : { time: () => Date.now() }
  feed.tick(99, more)
  await feed.value()
  await before()
  feed.tick(100, more)
  await expected(
    'last value',
    LIFE_MS,
    () => feed.ask(),
    ({ result }) => result === 100,
  )
  feed.provider.silence()
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

/** @param of.isFirst - the clock is set before the last value comes, and not after it */
const stepped = ({ byMs, leastMs = LIFE_MS - EARLY_MS, isFirst = false }) =>
  sources.map(({ name, only, ...source }) => ({
    name,
    only,
    async run(bench) {
      const step = () => bench.clock.step(byMs)
      const feed = await lastValue(bench, source, isFirst ? step : undefined)
      if (!isFirst) await step()
      const ms = await servedForMs(feed)
      if (ms === undefined)
        return { ok: false, saw: `100 still served as good after ${seconds(LIFE_MS + SLACK_MS)}` }
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

const silent = 'one value, then the provider is silent'
const hour = '1 h'

export const lifeLines = [
  {
    name: 'clock-back-30s',
    law: 'FR-1, TM-6',
    scenario: `${silent}; the wall clock is set back by 30 s`,
    right: `no value after ${LIFE_MS / 1000} s of real time, and not before`,
    cases: stepped({ byMs: -30 * SECOND_MS }),
  },
  {
    name: 'clock-back-1h',
    law: 'FR-1, TM-6',
    scenario: `${silent}; the wall clock is set back by ${hour}`,
    right: `no value after ${LIFE_MS / 1000} s of real time, and not before`,
    cases: stepped({ byMs: -HOUR_MS }),
  },
  {
    name: 'clock-ahead-1h',
    law: 'FR-1, TM-6',
    scenario: `${silent}; the wall clock is set ahead by ${hour}`,
    right: `no value after ${LIFE_MS / 1000} s of real time at the latest`,
    cases: stepped({ byMs: HOUR_MS, leastMs: 0 }),
  },
  {
    name: 'value-after-step-back',
    law: 'FR-1, TM-3, TM-6',
    scenario: `the wall clock is set back by ${hour}; one more value with its true time, then the provider is silent`,
    right: `it is served, and gone after ${LIFE_MS / 1000} s of real time`,
    cases: stepped({ byMs: -HOUR_MS, isFirst: true }),
  },
  {
    name: 'value-after-step-ahead',
    law: 'FR-1, TM-3, TM-6',
    scenario: `the wall clock is set ahead by ${hour}; one more value with its true time, then the provider is silent`,
    right: `it is served, and gone after ${LIFE_MS / 1000} s of real time`,
    cases: stepped({ byMs: HOUR_MS, isFirst: true }),
  },
  {
    name: 'machine-sleeps',
    law: 'FR-1, TM-6',
    scenario: `${silent}; the machine sleeps for ${hour}`,
    right: 'no value from the first answer on',
    cases: asleep,
  },
]
