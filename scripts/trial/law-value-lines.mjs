/** Laws about single values that no other line tries: what may change an age, an order, an identity or a digit. */
import { Rig } from './alive-bench.mjs'
import { CountingProvider } from './counting-provider.mjs'
import { DAY_MS, LIFE_MS, SETTLED_MS, SLACK_MS } from './limits.mjs'
import { eachWay } from './ways.mjs'
import { expected, meanwhile, nowMs, pause, seconds, within } from '../outside/waiting.mjs'

const PATIENCE_MS = 5_000

const again = (kind) => async (bench) => {
  const feed = await bench.feed(kind, {
    guards: { maxAgeMs: LIFE_MS },
    env: { CACHE_MAX_AGE: String(LIFE_MS) },
  })
  const time = Date.now()
  const fromMs = nowMs()
  const send = () => feed.tick(100, { time })
  send()
  return meanwhile(100, send, async () => {
    await feed.value()
    const isGone = ({ status }) => status !== 200
    const gone = await within(LIFE_MS + SLACK_MS, () => feed.ask(), isGone)
    const tookMs = nowMs() - fromMs
    return {
      ok: gone !== undefined,
      saw: `${gone ? 'gone' : 'still served as good'} after ${seconds(tookMs)}`,
    }
  })
}

const otherTicks = {
  name: 'WebSocket',
  isLong: true,
  async run(bench) {
    const rig = await Rig.start(bench, 'ws', { env: { CACHE_MAX_AGE: String(LIFE_MS) } })
    await rig.ask(['AAA', 'BBB'])
    await expected('values', 10_000, async () => (await rig.notFresh(['AAA', 'BBB'])).length === 0)
    await pause(2_000)
    rig.provider.forget('BBB')
    const isGone = async () => (await rig.ask(['BBB']))[0].status !== 200
    const gone = await within(LIFE_MS + SLACK_MS, isGone)
    const back = await within(25_000, () => rig.provider.isTicking('BBB'))
    const saw = `${gone ? 'its value ended' : 'its value was served on'}, ${back ? 'subscribed again' : 'not subscribed again'}`
    return { ok: gone === true && back === true, saw }
  },
}

/** What is served for a while. */
const servedIn = async (feed, ms) => {
  const seen = new Set()
  for (const end = nowMs() + ms; nowMs() < end; await pause(20)) {
    const { status, result } = await feed.ask()
    seen.add(status === 200 ? result : status)
  }
  return [...seen]
}

const older = (kind) => async (bench) => {
  const feed = await bench.feed(kind, { guards: {} })
  const now = Date.now()
  feed.tick(101, { time: now })
  await feed.value()
  feed.tick(99, { time: now - 2_000 })
  const seen = await servedIn(feed, 4 * SETTLED_MS)
  const ok = !seen.includes(99)
  return { ok, saw: ok ? 'the older one is not served' : 'the older one is served' }
}

/** The provider begins a connection with what it had before the last one. */
const replayed = {
  name: 'WebSocket, replayed after a reconnect',
  async run(bench) {
    const feed = await bench.feed('ws', { guards: {} })
    const now = Date.now()
    feed.tick(101, { time: now })
    await feed.value()
    const known = feed.provider.connections
    feed.provider.drop(() => feed.provider.tick(feed.symbol, { result: 99, time: now - 2_000 }))
    await expected('reconnect', 10_000, async () => (await feed.ask(), feed.provider.connections > known))
    await expected('subscription', 10_000, () => feed.provider.subscribed.has(feed.symbol))
    const seen = await servedIn(feed, 4 * SETTLED_MS)
    const ok = !seen.includes(99)
    return { ok, saw: ok ? 'the older one is not served' : 'the older one is served' }
  },
}

const future = (kind) => async (bench) => {
  const feed = await bench.feed(kind, { guards: {} })
  feed.tick(100, { time: Date.now() })
  await feed.value()
  feed.tick(9_999, { time: Date.now() + DAY_MS })
  const seen = await servedIn(feed, 4 * SETTLED_MS)
  feed.tick(101, { time: Date.now() })
  const honest = await within(
    PATIENCE_MS,
    () => feed.ask(),
    ({ result }) => result === 101,
  )
  const isServed = seen.includes(9_999)
  const saw = `the future one ${isServed ? 'was served' : 'was not served'}, the honest one ${honest ? 'was' : 'was not'}`
  return { ok: !isServed && honest !== undefined, saw }
}

/** Names that are not the same, though they look alike. */
const NAMES = [
  'USDe',
  'USDE',
  '1',
  '01',
  '1.0',
  'a-b',
  'a_b',
  'a|b',
  'a b',
  '{"a":1}',
  '{"a": 1}',
  'é',
  'e\u0301',
  '__proto__',
]

const identity = (kind) => async (bench) => {
  const provider = { ws: 'ws', http: 'http', sse: 'sse' }[kind]
  const feed = await bench.feed(provider, {
    declared: { caseSensitive: true },
    env: { RATE_LIMIT_CAPACITY_SECOND: '100' },
  })
  for (const [index, symbol] of NAMES.entries()) feed.tick(index + 1, {}, symbol)
  const wrong = new Set()
  const unserved = new Set(NAMES)
  for (const end = nowMs() + PATIENCE_MS; nowMs() < end; await pause(50)) {
    for (const [index, symbol] of NAMES.entries()) {
      const { status, result } = await feed.ask({ symbol })
      if (status === 200) unserved.delete(symbol)
      if (status === 200 && result !== index + 1) wrong.add(symbol)
    }
  }
  const ok = wrong.size === 0 && unserved.size === 0
  const list = (names) => [...names].map((name) => JSON.stringify(name)).join(' ')
  const saw = `another one’s price for ${list(wrong) || 'none'}, no price for ${list(unserved) || 'none'}`
  return { ok, saw: ok ? 'each its own' : saw }
}

const DIGITS = '12345678901234567890.123456789'

const digits = {
  name: 'HTTP polling, a JSON number',
  async run(bench) {
    const say = { price: () => ({ status: 200, body: `{"result":${DIGITS}}` }) }
    const rig = await Rig.start(bench, 'http', { say })
    const value = async () => (await rig.ask(['A']))[0]
    const { body } = await expected('value', 10_000, value, ({ status }) => status === 200)
    const ok = JSON.stringify(body).includes(DIGITS)
    return { ok, saw: ok ? 'exact' : `${body.result}, and nothing exact beside it` }
  },
}

const inverseOf = (value) => async (bench) => {
  const provider = new CountingProvider({ price: () => ({ status: 200, body: `{"result":${value}}` }) })
  const env = () => ({ OUTSIDE_KIND: 'inverse', OUTSIDE_PROVIDER: provider.httpUrl })
  const service = await bench.service([provider], { env })
  const ask = () => service.ask({ base: 'USD', quote: 'ETH' })
  return (await within(PATIENCE_MS, ask, ({ status }) => status === 200 || status === 502)) ?? ask()
}

/** 1/46.44 to more digits than a double has. */
const EXACT = '0.0215331610680447889'

const inverses = [
  {
    name: 'inverse of 46.44',
    async run(bench) {
      const { status, body } = await inverseOf('46.44')(bench)
      const ok = JSON.stringify(body).includes(EXACT)
      return { ok, saw: ok ? 'exact' : `${status}: ${body.result}, a double` }
    },
  },
  {
    name: 'inverse of 0',
    async run(bench) {
      const { status, body } = await inverseOf('0')(bench)
      const ok = status !== 200 && /zero|invers/i.test(body.errorMessage ?? body.error?.message)
      return { ok, saw: ok ? 'an error with a cause' : `${status}: ${JSON.stringify(body.result)}` }
    },
  },
]

export const lawValueLines = [
  {
    name: 'same-again',
    law: 'FR-2',
    scenario: 'the provider sends the same value with the same time, ten times a second',
    right: `gone after ${LIFE_MS / 1_000} s: receiving it again makes it no younger`,
    cases: eachWay(again),
  },
  {
    name: 'other-ticks',
    law: 'FR-3, SB-6',
    scenario: 'of two feeds of one connection one ticks on, and the provider forgets the other',
    right: `its value ends after ${LIFE_MS / 1_000} s, and it is subscribed again`,
    cases: [otherTicks],
  },
  {
    name: 'older-tick',
    law: 'TM-1',
    scenario:
      'a value comes whose time is two seconds before that of the last one; or such a one is replayed after a reconnect',
    right: 'it is not served',
    cases: [...eachWay(older), replayed],
  },
  {
    name: 'future-tick',
    law: 'TM-2',
    scenario: 'a value of tomorrow comes, and then an honest one',
    right: 'the first is not served, the second is',
    cases: eachWay(future),
  },
  {
    name: 'alike',
    law: 'ID-1',
    scenario: `feeds whose names look alike: ${NAMES.slice(0, 7)
      .map((name) => `\`${name}\``)
      .join(' ')} …`,
    right: 'each has its own price',
    cases: eachWay(identity),
  },
  {
    name: 'digits',
    law: 'NU-3',
    scenario: `the provider sends the number ${DIGITS}`,
    right: 'it is in the answer, to the last digit',
    cases: [digits],
  },
  {
    name: 'inverse',
    law: 'NU-5',
    scenario: 'the inverse of a pair whose price is 46.44, or 0',
    right: 'decimal arithmetic, and an error with a cause',
    cases: inverses,
  },
]
