/**
 * The world model: the built service as a process, attacked by seeded schedules of faults over real sockets, and judged after each step by a
 * reference model (`model.mjs`).
 *
 *   npm run chaos [-- --seeds=N] [-- --from=K] [-- --seed=K] [-- --package=DIR] [-- --replay=FILE] [-- --mutants]
 *
 * Prints how often each kind of fault happened. Exits with 1 when a law was broken, or a kind did not happen in twenty seeds or more. What
 * failed is in `reports/chaos/`, as data that `--replay` plays again. `--mutants` shows that faults put into the code are noticed.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nowMs, seconds } from '../outside/waiting.mjs'
import { tryMutants } from './mutants.mjs'
import { FAULTS, planOf } from './plan.mjs'
import { prepare, World } from './world.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const AT_ONCE = 2
/** With so many seeds every kind of fault has to happen. */
const ENOUGH = 20

const { values: args } = parseArgs({
  options: {
    seeds: { type: 'string', default: String(ENOUGH) },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    package: { type: 'string', default: join(root, 'dist/package') },
    reports: { type: 'string', default: join(root, 'reports/chaos') },
    replay: { type: 'string' },
    steps: { type: 'string' },
    mutants: { type: 'boolean', default: false },
  },
})

const counted = (tally, happenings) => {
  for (const [kind, count] of happenings) tally.set(kind, (tally.get(kind) ?? 0) + count)
}

/** Keeps what is needed to play it again: the steps until something was wrong, and none after it. */
function keep(plan, { problems, log }) {
  const last = Math.min(plan.steps.length, 1 + Math.max(...problems.map(({ at }) => at)))
  const file = join(args.reports, `seed-${plan.seed}.json`)
  mkdirSync(args.reports, { recursive: true })
  const cut = { ...plan, steps: plan.steps.slice(0, last) }
  writeFileSync(file, `${JSON.stringify({ plan: cut, problems, log: log.slice(-100) }, null, 1)}\n`)
  return file
}

async function play(plan, tally) {
  const beganMs = nowMs()
  const outcome = await new World(plan, resolve(args.package)).run()
  counted(tally, outcome.happenings)
  const took = seconds(nowMs() - beganMs)
  const what = `seed ${plan.seed} (${plan.shape}, ${plan.steps.length} steps)`
  if (outcome.problems.length === 0) return console.log(`PASS  ${what}: ${took}`)
  console.log(`FAIL  ${what}: ${took}, ${keep(plan, outcome)}`)
  for (const { at, text } of outcome.problems.slice(0, 10))
    console.log(`      step ${at} (${plan.steps[at]?.do ?? 'settling'}): ${text}`)
  return plan.seed
}

function plans() {
  if (args.replay !== undefined) return [JSON.parse(readFileSync(args.replay, 'utf8')).plan]
  const count = args.steps === undefined ? undefined : Number(args.steps)
  if (args.seed !== undefined) return [planOf(Number(args.seed), count)]
  return Array.from({ length: Number(args.seeds) }, (_, at) => planOf(Number(args.from) + at, count))
}

/** @returns whether all of it was in order */
async function playAll() {
  const due = plans()
  prepare(resolve(args.package), due)
  const seeds = due.length
  const tally = new Map()
  const failed = []
  const player = async () => {
    for (let plan = due.shift(); plan !== undefined; plan = due.shift()) {
      const seed = await play(plan, tally)
      if (seed !== undefined) failed.push(seed)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, player))

  console.log(
    `\nWhat happened how often: ${FAULTS.map((kind) => `${kind} ${tally.get(kind) ?? 0}`).join(', ')}`,
  )
  const missing = seeds < ENOUGH ? [] : FAULTS.filter((kind) => !tally.has(kind))
  if (missing.length > 0) console.log(`Did not happen: ${missing.join(', ')}`)
  const also = failed.length > 0 ? `; failed: ${failed.join(', ')}` : ''
  console.log(`chaos: ${seeds - failed.length} of ${seeds} seeds green${also}`)
  return failed.length === 0 && missing.length === 0
}

process.exitCode = (await (args.mutants ? tryMutants(root) : playAll())) ? 0 : 1
