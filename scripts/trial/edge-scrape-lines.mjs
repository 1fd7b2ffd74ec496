/** What it costs to be looked at: `/metrics` of a process with as many feeds as it may have. */
import { Agent } from 'node:http'
import { loopMs } from './costs.mjs'
import { WsProvider } from './providers.mjs'
import { expected, nowMs, pause } from '../outside/waiting.mjs'

const FEEDS = 10_000
const LONG = '3600000'
const ROUNDS = 8
/** Of the event loop, for one scrape; and for as many at once as there are collectors. */
const MOST_MS = 50
const COLLECTORS = 8
/** Each gets its bytes, which are written for each. */
const MOST_TOGETHER_MS = 3 * MOST_MS
const LOOP_MS = 4_000
const LATE_MS = 250

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
const seriesOf = (text) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
const names = Array.from({ length: FEEDS }, (_, i) => `S${i}`)

const inParallel = async (items, atOnce, act) => {
  const due = [...items]
  const worker = async () => {
    for (let item = due.pop(); item !== undefined; item = due.pop()) await act(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

const full = async (bench, workers) => {
  const provider = new WsProvider()
  const env = () => ({
    OUTSIDE_KIND: 'ws',
    OUTSIDE_PROVIDER: provider.url,
    LOG_LEVEL: workers === undefined ? 'error' : 'info',
    WS_SUBSCRIPTION_TTL: LONG,
    CACHE_MAX_AGE: LONG,
    WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000',
    WORKER_SILENCE_MS: '60000',
  })
  const service = await bench.service([provider], { env, workers })
  for (const name of names) provider.tick(name, { result: 100 })
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  const ask = (symbol) => service.ask({ symbol }, agent).catch(() => ({}))
  await inParallel(names, 20, ask)
  await expected('subscription', 40_000, () => provider.subscribed.size === FEEDS)
  await expected('last value', 20_000, async () => (await ask(names.at(-1))).status === 200)
  // Each of them has been served.
  await inParallel(names, 20, ask)
  agent.destroy()
  await pause(1_000)
  return service
}

/** One that does not come within the harness's time is late enough as it is. */
const read = (service) => service.metrics().catch(() => '')

/** Of the process that needs most of all, its event loop's time during `act`, less what it needs anyway. */
const costOf = async (pids, act) => {
  const idle = await during(pids, () => pause(500))
  const busy = await during(pids, act)
  return Math.max(...pids.map((_, i) => busy.ms[i] - (idle.ms[i] / idle.tookMs) * busy.tookMs))
}

const during = async (pids, act) => {
  const [from, fromMs] = [pids.map(loopMs), nowMs()]
  await act()
  // What follows an answer belongs to it.
  await pause(50)
  return { ms: pids.map((pid, i) => loopMs(pid) - from[i]), tookMs: nowMs() - fromMs }
}

const rounds = async (pids, act) => {
  const costs = []
  for (let round = 0; round < ROUNDS; round++) costs.push(await costOf(pids, act))
  return median(costs)
}

/** How long requests take while collectors come again and again. */
const latencyMs = async (service) => {
  const until = nowMs() + LOOP_MS
  const collectors = Array.from({ length: COLLECTORS }, async () => {
    while (nowMs() < until) await read(service)
  })
  const took = []
  while (nowMs() < until) {
    const fromMs = nowMs()
    await service.ask({ symbol: names[0] })
    took.push(nowMs() - fromMs)
    await pause(10)
  }
  await Promise.all(collectors)
  return median(took)
}

const WAYS = [{ name: 'expose()' }, { name: 'two workers', workers: 2, only: 'ours' }]

const scraped = WAYS.map(({ name, workers, only }) => ({
  name,
  only,
  isLong: true,
  async run(bench) {
    const service = await full(bench, workers)
    const others =
      workers === undefined ? [] : ['writer', 'worker-1', 'worker-2'].map((role) => service.process(role))
    const pids = [service.pid, ...others]
    const series = seriesOf(await read(service))
    const one = await rounds(pids, () => read(service))
    const together = await rounds(pids, () =>
      Promise.all(Array.from({ length: COLLECTORS }, () => read(service))),
    )
    const lateMs = await latencyMs(service)
    const ok = one <= MOST_MS && together <= MOST_TOGETHER_MS && lateMs <= LATE_MS
    const measured = `${Math.round(one)} ms for one, ${Math.round(together)} ms for ${COLLECTORS} at once, requests after ${Math.round(lateMs)} ms meanwhile, ${series} series`
    console.log(`      scrape: ${name}: ${measured}`)
    return { ok, saw: ok ? `at most ${MOST_MS} ms for one, requests are answered` : measured }
  },
}))

export const scrapeLines = [
  {
    name: 'scrape',
    law: 'OB-5',
    scenario: `\`/metrics\` of ${FEEDS} feeds is read, by one collector and by ${COLLECTORS} at once`,
    right: `at most ${MOST_MS} ms of the event loop for one, ${MOST_TOGETHER_MS} ms for all; requests are answered within ${LATE_MS} ms meanwhile`,
    cases: scraped,
  },
]
