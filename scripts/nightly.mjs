/**
 * What takes too long for every change: runs one after the other, all of them whatever fails, and says at the end which did.
 *
 *   npm run nightly [-- <name> ...]
 */
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** By name, what is run: a command and its environment. */
const jobs = new Map([
  ['laws', { command: ['npx', 'vitest', 'run', '--testTimeout=1200000'], env: { LAW_FACTOR: '20' } }],
  ['without-fast-lane', { command: ['npm', 'run', 'test:without-fast-lane', '--silent'] }],
  ['stale', { command: ['npm', 'run', 'trial:stale', '--silent'] }],
  ['alive', { command: ['npm', 'run', 'trial:alive', '--silent'] }],
  ['chaos', { command: ['npm', 'run', 'chaos', '--silent', '--', '--seeds=40'] }],
  ['chaos-mutants', { command: ['npm', 'run', 'chaos', '--silent', '--', '--mutants'] }],
  ['simulation', { command: ['npm', 'run', 'simulation', '--silent'] }],
  ['reference', { command: ['npm', 'run', 'test:reference', '--silent'] }],
  ['law-mutants', { command: ['npm', 'run', 'mutants:laws', '--silent'] }],
  ['mutants', { command: ['npm', 'run', 'mutants', '--silent', '--', '--minutes=90'] }],
  ['strapi', { command: ['npm', 'run', 'test:strapi', '--silent'] }],
])

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !jobs.has(name))
if (unknown.length > 0) {
  console.error(`nightly: there is no ${unknown.join(', ')}; there are: ${[...jobs.keys()].join(', ')}`)
  process.exit(1)
}

const failed = []
for (const [name, { command, env }] of jobs) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`\n== ${name}`)
  const [program, ...args] = command
  const { status } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  if (status !== 0) failed.push(name)
}
console.log(failed.length === 0 ? '\nnightly: all passed' : `\nnightly: failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
