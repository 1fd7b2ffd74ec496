/**
 * Shows from outside that nothing wrong and nothing old is served as good: starts a built package as processes, plays the providers, and
 * moves the wall clock of the processes while they run. Prints what it saw; exits with 1 when a line does not hold.
 *
 *   npm run trial:stale [-- <options>] [<line> ...]
 *
 * `--package <folder>` tries another build than dist/package, `--reference [--reference-folder <folder>]` tries the reference framework
 * instead, and fails for nothing; `--write` tries both and puts the rows into docs/reliability.md; `--list` names the lines.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { lines } from './lines.mjs'
import { writePage } from './page.mjs'
import { folderOf, runTrial, tried, TrialError, wantedLines } from './trying.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const REFERENCE = join(root, 'dist/compat/reference/node_modules/@chainlink/external-adapter-framework')

function seenWith(reference) {
  const { name, version } = JSON.parse(readFileSync(join(reference, 'package.json'), 'utf8'))
  const day = new Date().toISOString().slice(0, 10)
  return `Seen on ${day} with Node.js ${process.version}. The reference is ${name} ${version}.`
}

await runTrial(async () => {
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
    writePage(join(root, 'docs/reliability.md'), seenWith(second), outcomes, reference.outcomes)
    if (!isRight) process.exitCode = 1
  } else if (values.reference) await tried('reference', theirs(), wanted)
  else if (!(await tried('ours', ours(), wanted)).isRight) process.exitCode = 1
})
