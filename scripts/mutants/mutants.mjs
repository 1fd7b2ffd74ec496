/**
 * Changes the code in small ways, one at a time, and looks whether a test notices: what survives is code whose behaviour nothing asserts.
 * By default the files of `groups.mjs`, until the time is over.
 *
 *   npm run mutants [-- <options>] [<file> ...]
 *
 * `--minutes <n>` ends it after so many (default 60), and what was not finished is named; `--concurrency <n>` (default 2); `--part <k/n>`
 * tries every n-th group from the k-th on; `--least <n>`
 * fails below a score of so many percent. Survivors that change nothing are explained in `equivalent.json`. What it found is in `reports/`:
 * mutants.txt, and mutants.json for programs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { groupsOf } from './groups.mjs'
import { partOf } from './part.mjs'
import { listOf, outcomesOf, outdatedIn, readEquivalents, scoreOf, summaryOf } from './survivors.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const reports = join(root, 'reports')
const STRYKER = join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '60' },
    concurrency: { type: 'string', default: '2' },
    least: { type: 'string', default: '0' },
    part: { type: 'string' },
  },
})

const configOf = ({ files }) => ({
  testRunner: 'vitest',
  vitest: { configFile: 'scripts/mutants/vitest.config.mts', related: false },
  plugins: ['@stryker-mutator/vitest-runner'],
  coverageAnalysis: 'perTest',
  // What is evaluated once, when a module is loaded, would need all tests for each mutant.
  ignoreStatic: true,
  concurrency: Number(values.concurrency),
  timeoutMS: 10_000,
  mutate: files,
  ignorePatterns: ['dist', 'docs', 'deploy', 'reports'],
  tempDirName: 'reports/stryker',
  reporters: ['json', 'progress-append-only'],
  jsonReporter: { fileName: 'reports/stryker.json' },
  allowConsoleColors: false,
})

/** @returns Stryker's report; undefined when it was not done within the time, or failed */
async function reportOf(group, ms) {
  const config = join(reports, 'stryker.config.json')
  const found = join(reports, 'stryker.json')
  rmSync(found, { force: true })
  writeFileSync(config, JSON.stringify(configOf(group)))
  const env = { ...process.env, MUTANTS_TESTS: group.tests.join(' ') }
  // A group of its own, so that all processes that it starts end with it.
  const child = spawn(process.execPath, [STRYKER, 'run', config], {
    cwd: root,
    env,
    stdio: 'inherit',
    detached: true,
  })
  const end = () => endGroup(child.pid)
  process.once('exit', end)
  const timer = setTimeout(end, ms)
  const [code] = await once(child, 'close')
  clearTimeout(timer)
  process.off('exit', end)
  rmSync(join(reports, 'stryker'), { recursive: true, force: true })
  return code === 0 && existsSync(found) ? JSON.parse(readFileSync(found, 'utf8')) : undefined
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))

if (!existsSync(STRYKER)) {
  console.error('mutants: Stryker is not installed; run `npm ci`')
  process.exit(1)
}
const endMs = performance.now() + Number(values.minutes) * 60_000
mkdirSync(reports, { recursive: true })
const done = []
const unfinished = []
for (const group of partOf(groupsOf(positionals), values.part)) {
  const leftMs = endMs - performance.now()
  console.log(`\n-- ${group.name}`)
  const report = leftMs > 0 ? await reportOf(group, leftMs) : undefined
  if (report === undefined) unfinished.push(group.name)
  else done.push(report)
}

const equivalents = readEquivalents()
const outcomes = done.flatMap((report) => outcomesOf(report, equivalents))
const outdated = outdatedIn(done, equivalents)
const text = [
  summaryOf(outcomes),
  unfinished.length === 0 ? '' : `\nnot finished: ${unfinished.join(', ')}`,
  ...outdated.map(({ file, mutant }) => `\nexplained, but not there any more: ${file}: ${mutant}`),
].join('\n')
const score = scoreOf(outcomes)
const isNothing = outcomes.length === 0
writeFileSync(join(reports, 'mutants.txt'), `${text}\n\n${listOf(outcomes)}\n`)
writeFileSync(
  join(reports, 'mutants.json'),
  JSON.stringify({ score, unfinished, outdated, outcomes }, undefined, 2),
)
const said = isNothing
  ? 'nothing was finished'
  : `${score.toFixed(1)} % noticed; survivors are in reports/mutants.txt`
console.log(`\n${text}\n\nmutants: ${said}`)
if (isNothing || score < Number(values.least)) process.exitCode = 1
