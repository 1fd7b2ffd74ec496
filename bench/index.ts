/**
 * Speed as ratios, all of one run: our built package, bare floors and the reference take turns under the same load. What is measured
 * and how: docs/performance.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import path from 'node:path'
import { type Arguments, readArguments, USAGE } from './arguments'
import { Bench } from './bench'
import { loadScenarios } from './catalogue'
import { pinSelf } from './processes/pinning'
import { type Circumstances, writePages } from './report/pages'
import { jsonOf, misses, type Row, rowOf } from './report/row'
import { tableOf } from './report/table'
import { type Scenario, Skipped } from './scenario'

/** From dist/bench/bench. */
const root = path.join(__dirname, '../../..')

const circumstances = (): Circumstances => ({
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  cores: cpus().length,
  model: cpus()[0]?.model.trim() ?? 'unknown',
})

interface Outcome {
  rows: Row[]
  notes: string[]
  hasFailed: boolean
}

const measure = async ({ name, rows, run }: Scenario, options: Arguments): Promise<Outcome> => {
  const bench = new Bench(name, options)
  const outcome = (measured: Row[], hasFailed = false): Outcome => ({
    rows: measured,
    notes: bench.notes.map((note) => `${name}: ${note}`),
    hasFailed,
  })
  try {
    const figures = await run(bench)
    const disturbed = await bench.end()
    if (disturbed !== undefined) bench.note(`disturbed: ${disturbed}`)
    return outcome(rows.map((plan, index) => rowOf(name, plan, figures[index], disturbed)))
  } catch (error) {
    await bench.end()
    const isSkipped = error instanceof Skipped
    bench.note(`${isSkipped ? 'skipped' : 'failed'}: ${(error as Error).message}`)
    if (!isSkipped) console.error(error)
    const unmeasured = rows.map((plan) => rowOf(name, plan))
    return outcome(unmeasured, !isSkipped)
  }
}

const chosen = (all: Scenario[], names: string[]): Scenario[] => {
  const unknown = names.filter((name) => all.every((scenario) => scenario.name !== name))
  if (unknown.length > 0) throw new Error(`No scenario ${unknown.join(', ')}: see --list`)
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
}

const report = ({ rows, notes, hasFailed }: Outcome, { json, isQuick, isWriting }: Arguments): void => {
  const lines = rows.map((row) => `${jsonOf(row)}\n`).join('')
  if (json === '-') process.stdout.write(lines)
  else if (json !== undefined) writeFileSync(json, lines)
  const text = [tableOf(rows), '', ...notes]
  if (isQuick) text.push('A quick run: the figures show that it works, and no more.')
  const print = json === '-' ? console.error : console.log
  print(text.join('\n'))
  if (!hasFailed && isWriting) writePages(root, rows, circumstances(), notes)
  // Figures of a quick run are no verdict.
  const missed = isQuick ? [] : misses(rows)
  if (missed.length > 0) console.error(missed.join('\n'))
  if (hasFailed || missed.length > 0) process.exitCode = 1
}

const main = async (): Promise<void> => {
  const options = readArguments(process.argv.slice(2))
  const scenarios = chosen(await loadScenarios(root), options.scenarios)
  if (options.isListing) return console.log(scenarios.map(({ name }) => name).join('\n'))
  for (const folder of [options.cpuProfiles, options.heapProfiles])
    if (folder !== undefined) mkdirSync(folder, { recursive: true })
  pinSelf()
  const all: Outcome = { rows: [], notes: [], hasFailed: false }
  for (const scenario of scenarios) {
    const startedAt = performance.now()
    const { rows, notes, hasFailed } = await measure(scenario, options)
    all.rows.push(...rows)
    all.notes.push(...notes)
    all.hasFailed ||= hasFailed
    console.error(`${scenario.name}: ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`)
  }
  report(all, options)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

void main().catch((error: unknown) => {
  const { code, message } = error as NodeJS.ErrnoException
  console.error(code?.startsWith('ERR_PARSE_ARGS') ? `${message}\n\n${USAGE}` : error)
  process.exitCode = 1
})
