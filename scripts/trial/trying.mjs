/** A trial: tries lines on a build, and says what was seen. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Bench } from './bench.mjs'
import { nowMs, seconds } from '../outside/waiting.mjs'
import { trials } from './lines.mjs'
import { waits, withMarked } from './marked.mjs'
import { withTable } from './page.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const REFERENCE = join(root, 'dist/compat/reference/node_modules/@chainlink/external-adapter-framework')

/** Cases wait most of the time. */
const AT_ONCE = 8

/** What whoever started the trial can put right. */
class TrialError extends Error {}

async function tryCase(build, one) {
  const bench = new Bench(build)
  try {
    return await one.run(bench)
  } catch (error) {
    return { ok: false, saw: error.message }
  } finally {
    await bench.end()
  }
}

/**
 * @param side - `ours` or `reference`
 * @returns by the line's name, the outcome of each case that this side has
 */
async function tryAll(side, build, wanted) {
  const done = new Map()
  const due = wanted
    .flatMap((line) => line.cases.map((one) => ({ line, one })))
    .filter(({ one }) => side === 'ours' || one.only === undefined)
  // What takes longest begins first, and everything else is done beside it.
  due.sort((a, b) => Number(b.one.isLong === true) - Number(a.one.isLong === true))
  const worker = async () => {
    for (let next = due.shift(); next !== undefined; next = due.shift()) {
      const { line, one } = next
      const { ok, saw } = await tryCase(build, one)
      done.set(one, { name: one.name, ok, saw })
      console.log(`${ok ? 'PASS' : 'FAIL'}  ${line.name}: ${one.name}: ${saw}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return new Map(
    wanted.map(({ name, cases }) => [name, cases.filter((one) => done.has(one)).map((one) => done.get(one))]),
  )
}

/** @throws TrialError when there is no package in that folder */
function folderOf(name, folder, hint) {
  const build = resolve(folder)
  if (!existsSync(join(build, 'index.js'))) throw new TrialError(`${name} is not in ${build}: ${hint}`)
  return build
}

/** @throws TrialError for names that no line has */
function wantedLines(lines, names) {
  const unknown = names.filter((name) => !lines.some((line) => line.name === name))
  if (unknown.length > 0) throw new TrialError(`there is no line ${unknown.join(', ')}; --list names them`)
  return names.length === 0 ? lines : lines.filter(({ name }) => names.includes(name))
}

/** Of a line that is about nothing but what is named as not there yet, no success is expected. */
const isDue = ({ law }) => !law.split(', ').every((id) => id in waits)

function sum(side, wanted, outcomes, beganMs) {
  const all = [...outcomes.values()].flat()
  const failed = [...outcomes].filter(([, cases]) => cases.some(({ ok }) => !ok)).map(([name]) => name)
  const count = `${all.filter(({ ok }) => ok).length} of ${all.length} cases right, ${seconds(nowMs() - beganMs)}`
  console.log(`trial, ${side}: ${count}${failed.length === 0 ? '' : `; not right: ${failed.join(', ')}`}`)
  const due = new Set(wanted.filter(isDue).map(({ name }) => name))
  return failed.every((name) => !due.has(name))
}

/** @returns what {@link tryAll} does, and whether all of it was right that has to be */
async function tried(side, build, wanted) {
  const beganMs = nowMs()
  const outcomes = await tryAll(side, build, wanted)
  return { outcomes, isRight: sum(side, wanted, outcomes, beganMs) }
}

function seenWith(reference) {
  const { name, version } = JSON.parse(readFileSync(join(reference, 'package.json'), 'utf8'))
  const day = new Date().toISOString().slice(0, 10)
  return `Seen on ${day} with Node.js ${process.version}. The reference is ${name} ${version}.`
}

/** Its table, and the one that is made of all. */
function write(trial, seen, ours, reference) {
  const path = join(root, 'docs/reliability.md')
  const page = withTable(readFileSync(path, 'utf8'), trial, seen, ours, reference)
  writeFileSync(path, withMarked(page, trials))
}

async function program(trial) {
  const { lines } = trial
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      package: { type: 'string', default: join(root, 'dist/package') },
      reference: { type: 'boolean', default: false },
      'reference-folder': { type: 'string', default: REFERENCE },
      write: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  })
  const wanted = wantedLines(lines, positionals)
  const ours = () => folderOf('the package', values.package, 'run `npm run build`')
  const theirs = () => folderOf('the reference', values['reference-folder'], 'run `npm run test:reference`')
  if (values.list) for (const { name, law, scenario } of lines) console.log(`${name} (${law}): ${scenario}`)
  else if (values.write) {
    if (positionals.length > 0) throw new TrialError('--write wants all lines')
    const [first, second] = [ours(), theirs()]
    const { outcomes, isRight } = await tried('ours', first, wanted)
    const reference = await tried('reference', second, wanted)
    write(trial, seenWith(second), outcomes, reference.outcomes)
    if (!isRight) process.exitCode = 1
  } else if (values.reference) await tried('reference', theirs(), wanted)
  else if (!(await tried('ours', ours(), wanted)).isRight) process.exitCode = 1
}

/**
 * Runs a trial as a program. What whoever started it can put right is said in one line.
 *
 * @param trial.table - the markers of its table in docs/reliability.md
 * @param trial.lines - see `lines.mjs`
 */
export async function runTrial(trial) {
  try {
    await program(trial)
  } catch (error) {
    if (!(error instanceof TrialError) && !String(error?.code).startsWith('ERR_PARSE_ARGS')) throw error
    console.error(`trial: ${error.message}`)
    process.exitCode = 1
  }
}
