/**
 * Thousands of feeds on one venue with tight limits, of which some are bad in each way that venues know, with drops and a restart.
 *
 *   npm run simulation [-- --short] [-- --package=DIR] [-- --minutes=N]
 *
 * Shows after a time for finding what is bad (`--minutes`): whether every good feed is fresh, every bad one has a reason with a name, and
 * what the venue has counted of broken limits. Exit code 0 when all is as it should be. With SIM_LOG it prints the adapter's log at the end.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ADAPTER, Service } from '../outside/service.mjs'
import { nowMs, pause } from '../outside/waiting.mjs'
import { brokenIn, tryOut } from './judge.mjs'
import { declaredOf, planOf, settingsOf } from './plan.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const { values: args } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    package: { type: 'string', default: join(here, '../../dist/package') },
    minutes: { type: 'string' },
  },
})
const plan = planOf(args.short)
const { numbers, kinds } = plan
if (args.minutes !== undefined) numbers.settleMs = Number(args.minutes) * 60_000

async function startVenue() {
  const venue = fork(join(here, 'venue-process.mjs'), [JSON.stringify({ numbers, kinds })])
  process.once('exit', () => venue.kill('SIGKILL'))
  const [url] = await once(venue, 'message')
  return { venue, url }
}

function startAdapter(url, folder, agent) {
  const env = {
    OUTSIDE_FRAMEWORK: args.package,
    OUTSIDE_KIND: 'ws',
    OUTSIDE_PROVIDER: url,
    OUTSIDE_DECLARED: JSON.stringify(declaredOf(numbers)),
    METRICS_ENABLED: 'false',
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn',
    ...settingsOf(numbers),
  }
  return Service.start(ADAPTER, { env, folder, agent })
}

const folder = mkdtempSync(join(tmpdir(), 'simulation-'))
const agent = new Agent({ keepAlive: true, maxSockets: 20 })
const { venue, url } = await startVenue()
const service = await startAdapter(url, folder, agent)
try {
  const problems = await tryOut(plan, {
    ask: (symbol) => service.ask({ symbol }),
    nowMs,
    pause,
    restart: () => venue.send('restart'),
    say: console.log,
  })
  venue.send('report')
  const [report] = await once(venue, 'message')
  console.log(JSON.stringify(report))
  problems.push(...brokenIn(report))
  for (const problem of problems) console.log(`- ${problem}`)
  console.log(`simulation: ${problems.length === 0 ? 'all as it should be' : `${problems.length} problems`}`)
  if (process.env.SIM_LOG) for (const line of service.lines) console.error(JSON.stringify(line))
  process.exitCode = problems.length === 0 ? 0 : 1
} finally {
  agent.destroy()
  await service.stop()
  venue.disconnect()
  rmSync(folder, { recursive: true })
}
