/**
 * Fuzzes what reads bytes of others: the lane in front of the HTTP parser against the parser itself, and every decoder with mutated
 * messages. It goes on for the minutes that it is given; the same suite runs for a moment in the tests.
 *
 *   npm run fuzz [-- --minutes=N] [-- --seed=N] [-- --only=<part of a title>] [-- --path=<of a failure>]
 *
 * A failing input is made as small as it gets, and printed with the seed and the path that bring it back.
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const folder = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    only: { type: 'string' },
    path: { type: 'string' },
  },
})
const { minutes, seed, only, path } = values
if (!(Number(minutes) > 0) || !Number.isSafeInteger(Number(seed))) {
  console.error('fuzz: --minutes is a number above 0, and --seed a whole number')
  process.exit(1)
}
console.log(`fuzz: ${minutes} min, --seed=${seed}`)
const suite = ['test/fuzz', ...(only === undefined ? [] : ['-t', only])]
const env = {
  ...process.env,
  FUZZ_MINUTES: minutes,
  FUZZ_SEED: seed,
  ...(path !== undefined && { FUZZ_PATH: path }),
}
const { status } = spawnSync(
  process.execPath,
  [join(folder, 'node_modules/vitest/vitest.mjs'), 'run', ...suite],
  {
    cwd: folder,
    env,
    stdio: 'inherit',
  },
)
if (status !== 0)
  console.error(
    `fuzz: failed with --seed=${seed}; "path" in what is printed above goes into --path, the title into --only`,
  )
process.exitCode = status === 0 ? 0 : 1
