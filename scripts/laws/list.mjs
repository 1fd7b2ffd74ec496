/**
 * Lists every law of docs/contributing/invariants.md with the tests that are named after it and the mutants that break it, and then what is
 * missing, by level.
 *
 *   npm run laws [-- <law or section> ...]
 *
 * Exits with 1 when a law of level A or S that is not explained (`explained.json`) has no test or no mutant.
 */
import { readLawMutants } from '../mutants/law-mutants.mjs'
import lawsModule from './laws.cjs'

const LEVELS = { A: 'always', S: 'the default', O: 'where the feature is there' }

const wanted = process.argv.slice(2)
const all = lawsModule.coverage(readLawMutants())
const isWanted = ({ id, section }) => wanted.length === 0 || wanted.includes(id) || wanted.includes(section)
const listed = all.filter(isWanted)
const strange = wanted.filter((name) => !all.some(({ id, section }) => id === name || section === name))
if (strange.length > 0) {
  console.error(`laws: there is no ${strange.join(', ')}`)
  process.exit(1)
}

const indented = (text) => `         ${text}`

for (const { id, level, name, tests, mutants, explained } of listed) {
  console.log(`${id.padEnd(6)} ${level} ${name}`)
  const files = new Map()
  for (const { file, title } of tests) files.set(file, [...(files.get(file) ?? []), title])
  for (const [file, titles] of files) for (const title of titles) console.log(indented(`${file}: ${title}`))
  for (const { breaks, file } of mutants) console.log(indented(`mutant of ${file}: ${breaks}`))
  if (explained !== undefined) console.log(indented(`explained: ${explained}`))
}

const idsOf = (some) => (some.length === 0 ? 'none' : some.map(({ id }) => id).join(', '))
let missing = 0
console.log('')
for (const [level, meaning] of Object.entries(LEVELS)) {
  const laws = listed.filter((law) => law.level === level)
  const open = laws.filter(({ explained }) => explained === undefined)
  const untested = open.filter(({ tests }) => tests.length === 0)
  const unbroken = open.filter(({ tests, mutants }) => tests.length > 0 && mutants.length === 0)
  const complete = open.length - untested.length - unbroken.length
  console.log(`level ${level} (${meaning}): ${laws.length} laws, ${complete} with tests and mutants`)
  console.log(indented(`without a test: ${idsOf(untested)}`))
  console.log(indented(`with tests, but no mutant: ${idsOf(unbroken)}`))
  console.log(indented(`explained: ${idsOf(laws.filter(({ explained }) => explained !== undefined))}`))
  if (level !== 'O') missing += untested.length + unbroken.length
}
console.log(
  missing === 0
    ? '\nlaws: levels A and S are complete'
    : `\nlaws: ${missing} of levels A and S are not complete`,
)
process.exitCode = missing === 0 ? 0 : 1
