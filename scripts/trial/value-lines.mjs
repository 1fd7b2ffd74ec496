/** What must never be served as good, whatever a provider sends. */
import { clearInterval, setInterval } from 'node:timers'
import { DAY_MS, SETTLED_MS } from './limits.mjs'
import { WAYS } from './ways.mjs'
import { pause, within } from '../outside/waiting.mjs'

const PATIENCE_MS = 3_000

const isRefusal = (why) => why?.startsWith('REFUSED_VALUE') === true
const shown = ({ status, result, why }) =>
  status === 200
    ? `${JSON.stringify(result)} served as good`
    : `${status}${why === undefined ? '' : ` (${why})`}`

/** What clients are told over a while: the first answer that is not a refusal, or the last one. */
const worstAnswer = async (feed) => {
  const isOther = ({ status, why }) => status === 200 || !isRefusal(why)
  return (await within(SETTLED_MS * 3, () => feed.ask(), isOther)) ?? feed.ask()
}

const RESULTS = {
  '"-5"': '-5',
  '"0"': '0',
  '"5000"': '5000',
  '"abc"': 'abc',
  null: null,
  absent: undefined,
  true: true,
  '[5]': [5],
  '{}': {},
  '"0x10"': '0x10',
  '"1,234.5"': '1,234.5',
  '"NaN"': 'NaN',
  '""': '',
}

/** So often is it looked that what is there now and then is seen. */
const ROUNDS = 5

const noNumbers = (kind) => async (bench) => {
  const feed = await bench.feed(kind, {
    guards: { min: 1, max: 1_000 },
    env: { RATE_LIMIT_CAPACITY_SECOND: '100' },
  })
  const all = Object.entries(RESULTS).map(([name, result], index) => ({
    name,
    result,
    symbol: `feed${index}`,
  }))
  for (const { result, symbol } of all) feed.tick(result, {}, symbol)
  const askAll = () => Promise.all(all.map(({ symbol }) => feed.ask({ symbol })))
  await askAll()
  await within(PATIENCE_MS, () => feed.provider.subscribed.size === all.length)
  await within(PATIENCE_MS, async () => (await feed.refused()).total >= all.length)
  const served = new Set()
  const unnamed = new Set()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { status, why }] of (await askAll()).entries()) {
      if (status === 200) served.add(all[index].name)
      if (!isRefusal(why)) unnamed.add(all[index].name)
    }
    await pause(SETTLED_MS / ROUNDS)
  }
  const { total } = await feed.refused()
  const ok = served.size === 0 && total >= all.length && unnamed.size === 0
  if (ok) return { ok, saw: `${all.length} of ${all.length} refused, counted and named` }
  const good = served.size === 0 ? 'none served' : `served as good: ${[...served].join(' ')}`
  return { ok, saw: `${good}; counted ${total}, named ${all.length - unnamed.size} of ${all.length}` }
}

const BODIES = {
  'a page of HTML': ['text/html', '<!doctype html><title>Maintenance</title><p>Back soon.</p>'],
  nothing: ['application/json', ''],
  'an object without a price': ['application/json', '{"status":"ok"}'],
}

const withoutPrice = Object.entries(BODIES).flatMap(([what, [type, body]]) => [
  {
    name: `${what}, guards`,
    async run(bench) {
      const feed = await bench.feed('http', { guards: {} })
      feed.provider.answerWith(type, body)
      await feed.ask()
      const answer = await within(
        PATIENCE_MS,
        () => feed.ask(),
        ({ status, why }) =>
          status === 200 || (why !== undefined && !/^(STARTING|NO_DATA_YET|RATE_LIMITED)/.test(why)),
      )
      const last = answer ?? (await feed.ask())
      return { ok: last.status !== 200 && answer !== undefined, saw: shown(last) }
    },
  },
  {
    name: `${what}, ported`,
    only: 'ours',
    async run(bench) {
      const feed = await bench.feed('http')
      feed.provider.answerWith(type, body)
      const names = ['data_refused_total', 'data_reported_total']
      const countAll = async () => {
        await feed.ask()
        const counts = await Promise.all(names.map((name) => feed.service.count(name)))
        return counts.reduce((sum, { total }) => sum + total, 0)
      }
      const ok = (await within(PATIENCE_MS, countAll)) !== undefined
      return { ok, saw: ok ? 'counted' : `not counted: ${shown(await feed.ask())}` }
    },
  },
])

const firstTimes = { '1 ms after 1970': () => 1, seconds: () => Math.floor(Date.now() / 1000) }
const firstTick = Object.entries(firstTimes).map(([what, time]) => ({
  name: `first tick, ${what}`,
  async run(bench) {
    const feed = await bench.feed('ws', { guards: {} })
    feed.tick(100, { time: time() })
    await feed.ask()
    await within(PATIENCE_MS, () => feed.provider.subscribed.size > 0)
    await pause(SETTLED_MS)
    const answer = await worstAnswer(feed)
    const { total } = await feed.refused()
    const ok = answer.status !== 200 && isRefusal(answer.why) && total > 0
    return { ok, saw: `${shown(answer)}, counted ${total}` }
  },
}))

const isoTimes = {
  9999: () => new Date(Date.now() + DAY_MS).toISOString(),
  8888: () => 'garbage',
  7777: () => new Date().toISOString().replace('Z', ''),
  6666: () => '1970-01-01T00:00:00.000000Z',
}
const msTimes = {
  9999: () => Date.now() + DAY_MS,
  8888: () => 'garbage',
  7777: () => Math.floor(Date.now() / 1000),
  6666: () => 1,
}

const venueTimes = { coinbase: isoTimes, kraken: isoTimes, bitfinex: msTimes }
const badTimes = Object.entries(venueTimes).map(([kind, times]) => ({
  name: kind,
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed(kind, { env: { CACHE_MAX_AGE: '3000' } })
    feed.tick(3_000)
    await feed.value()
    const served = []
    for (const [value, time] of Object.entries(times)) {
      feed.tick(Number(value), { time: time() })
      await pause(SETTLED_MS)
      const { status, result } = await feed.ask()
      if (status !== 200 || result !== 3_000) served.push(status === 200 ? result : status)
    }
    const { total } = await feed.refused()
    const gone = await within(
      4_000,
      () => feed.ask(),
      ({ status }) => status !== 200,
    )
    const count = Object.keys(times).length
    const ok = served.length === 0 && total >= count && isRefusal(gone?.why)
    const stays = served.length === 0 ? '3000 stays' : `instead of 3000: ${served.join(' ')}`
    return {
      ok,
      saw: `${stays}; counted ${total} of ${count}; then ${gone === undefined ? 'still served' : shown(gone)}`,
    }
  },
}))

const jump = {
  name: 'times ten',
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed('ws', { guards: { maxJump: 0.5 } })
    feed.tick(100)
    await feed.value()
    feed.tick(1_000)
    await pause(SETTLED_MS)
    const held = await feed.ask()
    if (held.result === 1_000) return { ok: false, saw: '1000 served as good at once' }
    feed.tick(1_000)
    const agreed = await within(
      PATIENCE_MS,
      () => feed.ask(),
      ({ result }) => result === 1_000,
    )
    const then = agreed === undefined ? 'never served' : 'served when a second tick agreed'
    return { ok: agreed !== undefined, saw: `1000 held back, then ${then}` }
  },
}

const frozen = {
  name: 'the same for long',
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed('ws', { guards: { frozenAfterMs: 1_000 }, env: { CACHE_MAX_AGE: '1000' } })
    const send = () => feed.tick(100, { time: Date.now() })
    send()
    const timer = setInterval(send, 100)
    try {
      await feed.value()
      const gone = await within(
        4_000,
        () => feed.ask(),
        ({ status }) => status !== 200,
      )
      const saw = gone === undefined ? 'still served as good after 4 s' : shown(gone)
      return { ok: isRefusal(gone?.why) && /frozen/i.test(gone.why), saw }
    } finally {
      clearInterval(timer)
    }
  },
}

const crossed = Object.entries(WAYS).map(([kind, name]) => ({
  name,
  async run(bench) {
    const feed = await bench.feed(kind, { guards: {} })
    feed.tick(10.5, { data: { bid: 12, mid: 10.5, ask: 9 } })
    await feed.ask()
    await within(PATIENCE_MS, () => feed.provider.subscribed.size > 0)
    await pause(2 * SETTLED_MS)
    const answer = await worstAnswer(feed)
    const { total } = await feed.refused()
    const ok = answer.status !== 200 && isRefusal(answer.why) && total > 0
    return { ok, saw: `${shown(answer)}, counted ${total}` }
  },
}))

export const valueLines = [
  {
    name: 'not-a-number',
    law: 'NU-1, NU-2, NU-7',
    scenario: `guards \`{min: 1, max: 1000}\`; results ${Object.keys(RESULTS)
      .map((name) => `\`${name}\``)
      .join(' ')}`,
    right: 'none served as good; each counted, and named in the 504',
    cases: ['ws', 'http'].map((kind) => ({ name: WAYS[kind], run: noNumbers(kind) })),
  },
  {
    name: 'no-price',
    law: 'ER-8, NU-1',
    scenario: 'an HTTP provider answers 200 with a page of HTML, nothing, or an object without a price',
    right: 'an error with its cause; counted where the endpoint declares no guards',
    cases: withoutPrice,
  },
  {
    name: 'bad-time',
    law: 'TM-2, TM-5',
    scenario: 'a tick of tomorrow, without a readable time, without a zone, in another unit, of 1970',
    right: 'refused, counted and named; the honest value before it stays',
    cases: [...badTimes, ...firstTick],
  },
  {
    name: 'jump',
    law: 'NU-8',
    scenario: '`maxJump: 0.5`; the price is ten times what it was',
    right: 'not served until a second tick agrees',
    cases: [jump],
  },
  {
    name: 'frozen',
    law: 'NU-9',
    scenario: '`frozenAfterMs: 1000`; ticks go on bringing the same value',
    right: 'refused as frozen',
    cases: [frozen],
  },
  {
    name: 'crossed',
    law: 'NU-10',
    scenario: 'bid 12, ask 9, with guards',
    right: 'refused, counted and named',
    cases: crossed,
  },
]
