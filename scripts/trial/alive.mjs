/**
 * Shows from outside that no feed and no connection is dead in silence: starts a built package as processes, plays the providers, which
 * forget, refuse, close and fall silent, and counts what they see. Prints what it saw; exits with 1 when a line does not hold.
 *
 *   npm run trial:alive [-- [--package <folder>] [--list] [<line> ...]]
 *
 * `--package` tries another build than dist/package, `--list` names the lines.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { aliveLines as lines } from './alive-lines.mjs'
import { folderOf, runTrial, tried, wantedLines } from './trying.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

await runTrial(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      package: { type: 'string', default: join(root, 'dist/package') },
      list: { type: 'boolean', default: false },
    },
  })
  const wanted = wantedLines(lines, positionals)
  if (values.list) for (const { name, law, scenario } of lines) console.log(`${name} (${law}): ${scenario}`)
  else {
    const build = folderOf('the package', values.package, 'run `npm run build`')
    if (!(await tried('ours', build, wanted)).isRight) process.exitCode = 1
  }
})
