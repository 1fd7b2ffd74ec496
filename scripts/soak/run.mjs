/**
 * The built service under a steady load with churn of feeds, a reconnect each minute and one percent bad input: fails when memory, timers,
 * sockets, other handles or the lateness of the event loop grow (RS-2).
 *
 *   npm run soak [-- --hour | --minutes=N] [-- --package=DIR]
 *
 * Ten minutes unless something else is said. SOAK_LEAK=timers (or heap, sockets, handles, lag) lets the probe leak: it has to fail then.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { clearInterval, setInterval } from 'node:timers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Service } from '../outside/service.mjs'
import { pause } from '../outside/waiting.mjs'
import { problemsOf, samplesIn } from './judge.mjs'
import { products, startLoad } from './load.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const { values: args } = parseArgs({
  options: {
    hour: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
    package: { type: 'string', default: join(here, '../../dist/package') },
  },
})
const lastsMs = (args.hour ? 60 : Number(args.minutes)) * 60_000
const RECONNECT_MS = Math.min(60_000, lastsMs / 10)
/** Samples, each of which stops the process for a collection. */
const SAMPLES = 120

/** A dozen of its values, from the beginning to the end. */
const lineOf = (samples, what) => {
  const some = samples.filter((_, at) => at % Math.ceil(samples.length / 12) === 0)
  const values = some.map((sample) => Math.round(what === 'heap' ? sample.heap / 1_000 : sample[what]))
  return `${what === 'heap' ? 'heap, kB' : what}: ${values.join(' ')}`
}

const folder = mkdtempSync(join(tmpdir(), 'soak-'))
const file = join(folder, 'samples')
const program = resolve(args.package)
const { simulatedExchange } = createRequire(import.meta.url)(join(program, 'testing.js'))

/** One frame of a hundred is no good. */
const FAULTS = { 'old-sequence': 311, 'year-1-time': 307, 'zero-price': 313 }
const exchange = await simulatedExchange({ products, tradeIntervalMs: 500, faults: FAULTS })
const service = await Service.start(join(program, 'lib/service/main.js'), {
  folder,
  env: {
    ADAPTERS: 'coinbase',
    COINBASE_WS_API_ENDPOINT: exchange.url,
    WS_SUBSCRIPTION_TTL: '10000',
    LOG_LEVEL: 'warn',
    NODE_OPTIONS: `--require=${JSON.stringify(join(here, 'probe.cjs'))}`,
    SOAK_FILE: file,
    SOAK_EVERY_MS: String(Math.max(250, Math.round(lastsMs / SAMPLES))),
    ...(process.env.SOAK_LEAK && { SOAK_LEAK: process.env.SOAK_LEAK }),
  },
})
const load = startLoad(service.url)
const reconnects = setInterval(() => exchange.fault('close'), RECONNECT_MS)
try {
  await pause(lastsMs)
  const processes = samplesIn(existsSync(file) ? readFileSync(file, 'utf8') : '')
  const problems = [...processes].flatMap(([pid, samples]) =>
    problemsOf(samples).map((problem) => `process ${pid}: ${problem}`),
  )
  const { 200: good = 0 } = Object.fromEntries(load.seen)
  const all = [...load.seen.values()].reduce((sum, count) => sum + count, 0)
  console.log(`answers: ${[...load.seen].map(([status, count]) => `${status}: ${count}`).join(', ')}`)
  for (const samples of processes.values())
    for (const what of ['heap', 'timers', 'sockets', 'handles', 'lagMs']) console.log(lineOf(samples, what))
  // A load that is not served says nothing.
  if (!(good > all / 2)) problems.push(`only ${good} of ${all} answers were good`)
  if (processes.size === 0) problems.push('no samples')
  for (const problem of problems) console.log(`- ${problem}`)
  console.log(`soak: ${problems.length === 0 ? 'nothing grows' : `${problems.length} problems`}`)
  process.exitCode = problems.length === 0 ? 0 : 1
} finally {
  clearInterval(reconnects)
  load.stop()
  await service.stop()
  await exchange.stop()
  rmSync(folder, { recursive: true })
}
