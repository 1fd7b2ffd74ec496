/** Laws about what comes from outside: one bad record costs its neighbours nothing, and no bytes end the process. */
import { Rig } from './alive-bench.mjs'
import { SETTLED_MS } from './limits.mjs'
import { eachWay } from './ways.mjs'
import { expected, meanwhile, pause, within } from '../outside/waiting.mjs'

const PATIENCE_MS = 5_000

const RECORDS = ['A', 'B', 'C']
const mixed = () => [
  { symbol: 'A', result: Date.now() },
  { symbol: 'B', isNone: true },
  { symbol: 'C', result: Date.now() },
]

const oneBad = (kind) => async (bench) => {
  const say = {
    subscribe: () => false,
    price: () => ({ status: 200, body: JSON.stringify({ records: mixed() }) }),
  }
  const rig = await Rig.start(bench, kind, { say, declared: { isOneRequest: true } })
  await rig.ask(RECORDS)
  const send = () => rig.provider.send({ records: mixed() })
  const left = await meanwhile(200, send, async () => {
    await within(PATIENCE_MS, async () => (await rig.notFresh(['A', 'C'])).length === 0)
    return rig.notFresh(['A', 'C'])
  })
  return {
    ok: left.length === 0,
    saw: left.length === 0 ? 'the good ones are served' : `not served: ${left.join(', ')}`,
  }
}

const DEEP = '['.repeat(20_000)
const MALFORMED = [
  '',
  'nonsense',
  '{"symbol":',
  'null',
  '[]',
  '5',
  DEEP,
  '{"__proto__":{"symbol":"A"}}',
  '\u0000',
]

const malformed = (kind) => async (bench) => {
  let bodies = []
  const say = {
    subscribe: () => false,
    price: () => (bodies.length === 0 ? {} : { status: 200, body: bodies.shift() }),
  }
  const env = { LOG_LEVEL: 'debug' }
  const rig = await Rig.start(bench, kind, { say, env, declared: { tiers: { one: { rateLimit1s: 20 } } } })
  const { provider, service } = rig
  await rig.ask(['A'])
  await expected('request', 10_000, () => provider.messages.length > 0)
  if (kind === 'http') bodies = [...MALFORMED]
  else for (const text of MALFORMED) provider.sendText(text)
  await within(PATIENCE_MS, () => bodies.length === 0)
  await pause(2 * SETTLED_MS)
  if (service.hasEnded) return { ok: false, saw: 'the process has ended' }
  const counted = await countedIn(service)
  const send = () => provider.send({ symbol: 'A', result: Date.now() })
  const isFresh = async () => (await rig.notFresh(['A'])).length === 0
  const isServed = await meanwhile(100, send, () => within(2 * PATIENCE_MS, isFresh))
  const ok = isServed === true && counted > 0
  return {
    ok,
    saw: `${isServed ? 'later values are served' : 'no value any more'}, ${counted > 0 ? 'counted' : 'not counted'}`,
  }
}

const COUNTERS = ['data_refused_total', 'data_reported_total']
const countedIn = async (service) => {
  const counts = await Promise.all(COUNTERS.map((name) => service.count(name)))
  return counts.reduce((sum, { total }) => sum + total, 0)
}

/** What a client may send. */
const BODIES = [
  DEEP,
  '{',
  'null',
  '"text"',
  '{"data":{"__proto__":{"symbol":"A"}}}',
  '{"data":{"constructor":{"prototype":1},"symbol":"A"}}',
  `{"data":{"symbol":"${'A'.repeat(100_000)}"}}`,
  Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
]

const fromClients = {
  name: 'from clients',
  async run(bench) {
    const feed = await bench.feed('ws')
    feed.tick(100)
    await feed.value()
    const statuses = []
    for (const body of BODIES) {
      const answer = await feed.service
        .send(body, { 'content-type': 'application/json' })
        .catch(() => undefined)
      statuses.push(answer?.status ?? 'none')
    }
    if (feed.service.hasEnded) return { ok: false, saw: 'the process has ended' }
    const { status } = await feed.ask()
    const bad = statuses.filter((one) => one === 'none' || one === 500)
    const ok = status === 200 && bad.length === 0
    return {
      ok,
      saw: ok ? 'each has an answer, others are served' : `answers ${statuses.join(' ')}, others ${status}`,
    }
  },
}

export const lawInputLines = [
  {
    name: 'one-bad-record',
    law: 'IS-1',
    scenario: 'a message brings three records, and the adapter makes nothing of the second',
    right: 'the others are served',
    cases: eachWay(oneBad),
  },
  {
    name: 'malformed',
    law: 'ER-8, IS-2',
    scenario:
      'messages that are no JSON, something else, deeply nested, or nothing; bodies of requests alike',
    right: 'the process goes on, later values are served; what a provider sent is counted',
    cases: [...eachWay(malformed), fromClients],
  },
]
