/**
 * Thousands of feeds on one venue with tight limits, of which some are bad in each way that venues know, with drops and a restart.
 *
 *   npm run simulation [-- --short] [-- --package=DIR]
 *
 * Shows after a time for finding what is bad: whether every good feed is fresh, every bad one has a reason with a name, and what the venue
 * has counted of broken limits. Exit code 0 when all is as it should be.
 */
import { fork } from 'node:child_process'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pause } from '../trial/waiting.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const { values: args } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    package: { type: 'string' },
    minutes: { type: 'string' },
  },
})

/** The venue, its faults, and how long all of it runs. The short form is the long one with smaller numbers. */
const LONG = {
  feeds: 5_000,
  poison: 10,
  forgotten: 20,
  silent: 20,
  perConnection: 100,
  connects: { count: 20, perMs: 60_000 },
  messages: { count: 10, perMs: 1_000 },
  batch: 20,
  tickEveryMs: 5_000,
  maxAgeMs: 30_000,
  ackWithinMs: 5_000,
  firstDataMs: 15_000,
  forgetAfterMs: 60_000,
  dropEveryMs: 60_000,
  restartAtMs: 240_000,
  downForMs: 10_000,
  settleMs: 720_000,
  watchMs: 120_000,
  ttlS: 180,
}
const SHORT = {
  ...LONG,
  feeds: 120,
  poison: 2,
  forgotten: 3,
  silent: 3,
  perConnection: 20,
  connects: { count: 10, perMs: 3_000 },
  messages: { count: 10, perMs: 500 },
  batch: 10,
  tickEveryMs: 500,
  maxAgeMs: 5_000,
  ackWithinMs: 1_000,
  firstDataMs: 2_000,
  forgetAfterMs: 4_000,
  dropEveryMs: 6_000,
  restartAtMs: 15_000,
  downForMs: 1_000,
  settleMs: 60_000,
  watchMs: 10_000,
}

const plan = args.short ? SHORT : LONG
const symbols = Array.from({ length: plan.feeds }, (_, index) => `S${index}`)
/** Spread over all of them, so that connections have bad ones among good ones. */
const spread = (count, offset) =>
  Array.from(
    { length: count },
    (_, index) => symbols[(offset + Math.floor((index * plan.feeds) / count)) % plan.feeds],
  )
const kinds = {
  poison: spread(plan.poison, 3),
  forgotten: spread(plan.forgotten, 7),
  silent: spread(plan.silent, 11),
}
const bad = new Set([...kinds.poison, ...kinds.silent])
const good = symbols.filter((symbol) => !bad.has(symbol))
const rules = { ...plan, ...kinds, tolerance: 0.999 }

const children = []
process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')))

const start = async () => {
  const venue = fork(join(here, 'venue.mjs'), [JSON.stringify(rules)])
  children.push(venue)
  const [{ port: venuePort }] = await once(venue, 'message')
  const port = 20_000 + Math.floor(Math.random() * 12_000)
  const adapter = fork(join(here, 'adapter.mjs'), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      PATH: process.env.PATH,
      SIM_FRAMEWORK: args.package ?? join(here, '../../dist/package'),
      SIM_VENUE: `ws://127.0.0.1:${venuePort}`,
      SIM_RULES: JSON.stringify(rules),
      EA_HOST: '127.0.0.1',
      EA_PORT: String(port),
      METRICS_ENABLED: 'false',
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn',
      CACHE_POLLING_MAX_RETRIES: '0',
      BACKGROUND_EXECUTE_MS_WS: '100',
      WS_SUBSCRIPTION_TTL: String(plan.ttlS * 1_000),
      CACHE_MAX_AGE: '60000',
      SUBSCRIPTION_SET_MAX_ITEMS: String(Math.max(1_000, plan.feeds + 10)),
      CACHE_MAX_ITEMS: String(Math.max(1_000, plan.feeds + 10)),
    },
  })
  children.push(adapter)
  adapter.stdout.on('data', (chunk) => process.env.SIM_LOG && process.stderr.write(chunk))
  return { venue, adapter, port }
}

const agent = new Agent({ keepAlive: true, maxSockets: 20 })
const ask = (port, symbol) =>
  new Promise((resolve) => {
    const body = JSON.stringify({ data: { symbol } })
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request(
      { host: '127.0.0.1', port, path: '/', method: 'POST', agent, headers },
      (response) => {
        let text = ''
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }))
      },
    )
    sent.on('error', () => resolve({ status: 0, body: {} }))
    sent.end(body)
  })

const askAll = async (port, take = () => {}) => {
  const queue = [...symbols]
  const client = async () => {
    for (let symbol = queue.pop(); symbol !== undefined; symbol = queue.pop())
      take(symbol, await ask(port, symbol))
  }
  await Promise.all(Array.from({ length: 20 }, client))
}

const stateOf = async (port) => {
  const state = { fresh: 0, down: [], named: new Map(), unnamed: [] }
  await askAll(port, (symbol, { status, body }) => {
    if (status === 200 && !bad.has(symbol)) state.fresh++
    else if (!bad.has(symbol)) state.down.push(`${symbol}: ${body.error?.reason?.code ?? status}`)
    else if (status === 200) state.unnamed.push(`${symbol}: 200`)
    else {
      const code = body.error?.reason?.code ?? (body.errorMessage === undefined ? undefined : 'ERROR')
      if (code === undefined) state.unnamed.push(`${symbol}: ${status}`)
      else state.named.set(code, (state.named.get(code) ?? 0) + 1)
    }
  })
  return state
}

const { venue, adapter, port } = await start()
const began = Date.now()
const elapsed = () => Math.round((Date.now() - began) / 1_000)
const settleMs = args.minutes === undefined ? plan.settleMs : Number(args.minutes) * 60_000
const roundMs = Math.min(10_000, plan.watchMs / 4)
let wasRestarted = false
const round = async (label) => {
  const state = await stateOf(port)
  const named = [...state.named].map(([code, count]) => `${code} ${count}`).join(', ')
  console.log(
    `${String(elapsed()).padStart(4)} s ${label}: ${state.fresh} of ${good.length} good feeds fresh; bad: ${named || 'none named'}` +
      `; without a name ${state.unnamed.length}${state.down.length > 0 && state.down.length < 12 ? `; down: ${state.down.join(', ')}` : ''}`,
  )
  return state
}
while (Date.now() - began < settleMs) {
  await round('finding')
  if (!wasRestarted && Date.now() - began >= plan.restartAtMs) {
    wasRestarted = true
    console.log(`${String(elapsed()).padStart(4)} s the venue restarts`)
    venue.send('restart')
  }
  await pause(roundMs)
}
const problems = []
const until = Date.now() + plan.watchMs
while (Date.now() < until) {
  const { down, unnamed } = await round('watching')
  if (down.length > 0)
    problems.push(`${down.length} good feeds down at ${elapsed()} s: ${down.slice(0, 5).join(', ')}`)
  if (unnamed.length > 0)
    problems.push(
      `${unnamed.length} bad feeds without a name at ${elapsed()} s: ${unnamed.slice(0, 5).join(', ')}`,
    )
  await pause(roundMs)
}
venue.send('report')
const [report] = await once(venue, 'message')
console.log(JSON.stringify(report))
for (const [limit, times] of Object.entries(report.broken))
  if (times > 0) problems.push(`the venue counted ${times} times: ${limit}`)
for (const problem of problems) console.log(`- ${problem}`)
console.log(
  problems.length === 0 ? 'simulation: all as it should be' : `simulation: ${problems.length} problems`,
)
agent.destroy()
adapter.kill('SIGTERM')
venue.disconnect()
process.exit(problems.length === 0 ? 0 : 1)
