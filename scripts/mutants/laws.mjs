/**
 * Breaks each law in the code, one at a time, and looks whether the tests that are named after the law notice. The mutants are written by
 * people (`laws/`): what a developer might do by mistake, and what would then be wrong.
 *
 *   npm run mutants:laws [-- <law> ...] [-- --part=K/N]
 *
 * Without any law all of them; with `--part` every n-th mutant, from the k-th on. Exits with 1 when a mutant survived. It works on a copy of the files, in `reports/`.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mutated, readLawMutants, titlesOf, unfitIn, verdictOf } from './law-mutants.mjs'
import { partOf } from './part.mjs'
import { Sandbox } from './sandbox.mjs'

/** Longer than the tests of one law take, several times over. */
const MUTANT_MS = 60_000
const ALL_MS = 1_200_000

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const SAID = {
  noticed: 'noticed ',
  endless: 'noticed  (the tests do not end)',
  survived: 'SURVIVED',
  unrun: 'SURVIVED (no test could be run)',
  unfit: 'SURVIVED (the tests do not pass, although nothing is changed)',
}

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { part: { type: 'string' } },
})
const known = readLawMutants()
const unknown = wanted.filter((law) => known.every((mutant) => mutant.law !== law))
if (unknown.length > 0) {
  console.error(`mutants: no mutant breaks ${unknown.join(', ')}`)
  process.exit(1)
}
const mutants = partOf(
  known.filter(({ law }) => wanted.length === 0 || wanted.includes(law)),
  values.part,
)

const sandbox = new Sandbox(root, join(root, 'reports'))
process.once('exit', () => sandbox.remove())
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))

const only = (laws) => ['-t', titlesOf(laws)]
const files = [...new Set(mutants.map(({ test }) => test))]
const before = await sandbox.test([...files, ...only([...new Set(mutants.map(({ law }) => law))])], ALL_MS)
const unfit = unfitIn(before, mutants)

/** Whether the change is noticed. */
const attempt = async (mutant) => {
  const { law, file, test, breaks } = mutant
  const verdict = unfit.includes(`${law} in ${test}`)
    ? 'unfit'
    : verdictOf(
        await sandbox.with(
          file,
          (text) => mutated(text, mutant),
          () => sandbox.test([test, '--bail=1', ...only([law])], MUTANT_MS),
        ),
      )
  console.log(`${law.padEnd(6)} ${SAID[verdict]}  ${breaks}`)
  return verdict === 'noticed' || verdict === 'endless'
}

let survived = 0
for (const mutant of mutants) if (!(await attempt(mutant))) survived++
console.log(`\n${mutants.length - survived} noticed, ${survived} survived`)
process.exitCode = survived === 0 ? 0 : 1
