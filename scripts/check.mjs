/**
 * What a change must pass before it is shown to others: lint, types and tests, side by side. What has passed and has not changed since is
 * not run again.
 *
 *   npm run check [-- --all]
 *
 * `--all` runs all three, changed or not.
 */
import { Buffer } from 'node:buffer'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const memory = join(root, 'dist/cache/check')
const STEPS = { lint: 'lint', types: 'typecheck', tests: 'test' }

const { values } = parseArgs({ options: { all: { type: 'boolean', default: false } } })

/** Changes with every file that is under version control, or would be with the next `git add`. */
function fingerprint() {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { stdout, status } = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) return undefined
  const sum = createHash('sha256').update(process.version)
  for (const file of stdout.split('\0').filter((one) => one !== '' && existsSync(join(root, one))))
    sum.update(`${file}\0`).update(readFileSync(join(root, file)))
  return sum.digest('hex')
}

/** Runs an npm script; what it says comes when it has ended, so that three of them do not talk at once. */
function run(script) {
  return new Promise((done) => {
    const child = spawn('npm', ['run', script, '--silent'], { cwd: root })
    const output = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk))
    child.once('close', (code) => done({ hasPassed: code === 0, output: Buffer.concat(output).toString() }))
  })
}

async function check(name, script, state) {
  const mark = join(memory, name)
  if (!values.all && state !== undefined && existsSync(mark) && readFileSync(mark, 'utf8') === state) {
    console.log(`${name}: passed before, and nothing has changed since`)
    return true
  }
  rmSync(mark, { force: true })
  const { hasPassed, output } = await run(script)
  // A file that was saved meanwhile may not have been looked at.
  if (hasPassed && state !== undefined && fingerprint() === state) writeFileSync(mark, state)
  console.log(hasPassed ? `${name}: passed` : `${output}\n${name}: failed`)
  return hasPassed
}

mkdirSync(memory, { recursive: true })
const state = fingerprint()
const outcomes = await Promise.all(Object.entries(STEPS).map(([name, script]) => check(name, script, state)))
process.exitCode = outcomes.every(Boolean) ? 0 : 1
