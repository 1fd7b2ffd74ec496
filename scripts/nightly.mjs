/**
 * What takes too long for every change: runs all of it whatever fails, within 90 minutes on two cores, and says at the end which failed and
 * how long each took. What does not fit into one night is tried in parts, all of them within a week.
 *
 *   npm run nightly [-- <name> ...] [-- --day=N]
 */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { roundsOf } from './nightly/plan.mjs'
import { runJob } from './nightly/run.mjs'

const folder = dirname(dirname(fileURLToPath(import.meta.url)))
const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { day: { type: 'string', default: String(Math.floor(Date.now() / 86_400_000)) } },
})
const rounds = roundsOf(Number(values.day))
const names = rounds.flat().map(({ name }) => name)
const unknown = wanted.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  console.error(`nightly: there is no ${unknown.join(', ')}; there are: ${names.join(', ')}`)
  process.exit(1)
}

const results = []
for (const round of rounds) {
  const jobs = round.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  const isAlone = jobs.length === 1
  const run = async (job) => {
    console.log(`\n== ${job.name} (at most ${job.minutes} min)`)
    const result = await runJob(job, { folder, isAlone })
    if (!isAlone) console.log(`\n== ${job.name}\n${result.said}`)
    results.push(result)
  }
  await Promise.all(jobs.map(run))
}

const SAID = { passed: 'passed', failed: 'FAILED', killed: 'FAILED: it did not end in its time' }
console.log('')
for (const { name, outcome, minutes } of results)
  console.log(`${minutes.toFixed(1).padStart(6)} min  ${name.padEnd(18)} ${SAID[outcome]}`)
const failed = results.filter(({ outcome }) => outcome !== 'passed').map(({ name }) => name)
console.log(failed.length === 0 ? '\nnightly: all passed' : `\nnightly: failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
