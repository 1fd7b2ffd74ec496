/**
 * Runs the adapters of test/compat, with their own jest suites, on a framework that is installed as
 * `@chainlink/external-adapter-framework`: the packed package by default, the framework that it stands in for with `--reference`.
 *
 *   node scripts/compat.mjs [--reference] [--tarball <file>] [--build] [-- <jest arguments>]
 *
 * `--tarball` takes another package than the one in dist/, `--build` makes one of the tree as it is, type errors or not. Both sides run the
 * same files; a difference between them that is meant is one of test/compat/differences.json.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { clearTimeout, setTimeout } from 'node:timers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'test/compat')
const FRAMEWORK = '@chainlink/external-adapter-framework'
/** The newest that the registry has; we stand in for 2.19. */
const REFERENCE = '2.18.1'
/** Adapters made of what 2.19 brought: they do not load on that one. */
const NEEDS_2_19 = ['lwba-own-rule', 'numeric-result', 'result-validator']
/** The tests of these are written with our harness, which it does not have. */
const NEEDS_HARNESS = ['harness']
/** Later ones need packages that jest 29 cannot load. We depend on this one ourselves; the reference gets it from here. */
const REFERENCE_OVERRIDES = { 'light-my-request': '6.6.0' }
const INSTALL_FLAGS = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--loglevel=error']
const INSTALL_PATIENCE_MS = 90_000
const RUN_PATIENCE_MS = 120_000

class CompatError extends Error {}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    reference: { type: 'boolean', default: false },
    build: { type: 'boolean', default: false },
    tarball: { type: 'string' },
    out: { type: 'string', default: join(root, 'dist/compat') },
    'update-snapshots': { type: 'boolean', default: false },
  },
})
const out = resolve(values.out)
const workspace = join(out, values.reference ? 'reference' : 'ours')

const npm = (cwd, args) =>
  execFileSync('npm', args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], timeout: INSTALL_PATIENCE_MS })

/** Installs into a folder, unless exactly this is there already. */
function install(folder, fingerprint, run) {
  const mark = join(folder, 'node_modules/.compat')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === fingerprint) return
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true })
  run()
  writeFileSync(mark, fingerprint)
}

const hash = (...parts) => parts.reduce((sum, part) => sum.update(part), createHash('sha256')).digest('hex')

/** jest and its company: one folder above both workspaces, where both find them. */
function installTools() {
  mkdirSync(out, { recursive: true })
  const files = ['package.json', 'package-lock.json'].map((name) => join(source, name)).filter(existsSync)
  for (const file of files) cpSync(file, join(out, file.slice(source.length + 1)))
  install(out, hash(...files.map((file) => readFileSync(file))), () =>
    npm(out, [files.length === 2 ? 'ci' : 'install', ...INSTALL_FLAGS]),
  )
}

function tarball() {
  if (values.tarball !== undefined) return resolve(values.tarball)
  if (values.build) {
    const made = join(out, 'made')
    execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--no-check', '--out', made], {
      stdio: 'inherit',
    })
    npm(made, ['pack', join(made, 'package'), '--ignore-scripts', '--loglevel=error'])
    return join(made, only(made))
  }
  return join(root, 'dist', only(join(root, 'dist')))
}

function only(folder) {
  const found = existsSync(folder)
    ? readdirSync(folder).filter((name) => /^tickwell-.*\.tgz$/.test(name))
    : []
  if (found.length !== 1)
    throw new CompatError(`expected one tarball in ${folder}, found ${found.length}: run \`npm run package\``)
  return found[0]
}

function installFramework() {
  mkdirSync(workspace, { recursive: true })
  const file = values.reference ? undefined : tarball()
  const wanted = file === undefined ? REFERENCE : `file:${file}`
  const overrides = values.reference ? REFERENCE_OVERRIDES : {}
  const manifest = JSON.stringify(
    { private: true, dependencies: { [FRAMEWORK]: wanted }, overrides },
    null,
    2,
  )
  install(workspace, hash(manifest, file === undefined ? '' : readFileSync(file)), () => {
    rmSync(join(workspace, 'package-lock.json'), { force: true })
    writeFileSync(join(workspace, 'package.json'), manifest)
    // The published framework asks for a newer Node.js than it needs.
    npm(workspace, ['install', ...INSTALL_FLAGS, '--engine-strict=false'])
  })
}

function copyFixtures() {
  for (const name of ['adapters', 'jest.config.js', 'setup.ts', 'tsconfig.json']) {
    rmSync(join(workspace, name), { recursive: true, force: true })
    cpSync(join(source, name), join(workspace, name), { recursive: true })
  }
  if (values.reference)
    for (const name of [...NEEDS_2_19, ...NEEDS_HARNESS])
      rmSync(join(workspace, 'adapters', name), { recursive: true })
}

/** Runs a program to its end, and ends it (with what it started) when it takes too long. */
function runToEnd(args, patienceMs) {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: workspace, stdio: 'inherit', detached: true })
    const stop = () => {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    const timer = setTimeout(() => {
      console.error(`compat: stopped after ${patienceMs / 1000} s`)
      stop()
    }, patienceMs)
    const interrupted = () => {
      stop()
      process.exit(130)
    }
    process.once('SIGINT', interrupted)
    process.once('SIGTERM', interrupted)
    child.once('exit', (code) => {
      clearTimeout(timer)
      process.removeListener('SIGINT', interrupted)
      process.removeListener('SIGTERM', interrupted)
      done(code ?? 1)
    })
  })
}

const typescript = () => createRequire(join(root, 'package.json')).resolve('typescript/bin/tsc')
const jest = () => createRequire(join(out, 'package.json')).resolve('jest/bin/jest')

async function runJest() {
  const report = join(workspace, 'report.json')
  rmSync(report, { force: true })
  const mode = values['update-snapshots'] ? ['--ci=false', '--update-snapshot'] : ['--ci']
  const code = await runToEnd(
    [jest(), ...mode, '--json', `--outputFile=${report}`, ...positionals],
    RUN_PATIENCE_MS,
  )
  if (!existsSync(report)) throw new CompatError(`jest ended with ${code} and without a report`)
  return JSON.parse(readFileSync(report, 'utf8'))
}

/** What jest says of each test: by the adapter's folder and the test's full name. */
function outcomes(report) {
  const found = new Map()
  for (const file of report.testResults) {
    const name = file.name.slice(join(workspace, 'adapters').length + 1)
    if (file.assertionResults.length === 0) found.set(`${name}: does not load`, 'failed')
    for (const { fullName, status } of file.assertionResults) found.set(`${name}: ${fullName}`, status)
  }
  return found
}

/** Holds what failed against the differences that are meant; returns what is wrong. */
function judge(found, differences) {
  const side = values.reference ? 'reference' : 'ours'
  const meant = new Set(differences.filter(({ fails }) => fails === side).map(({ test }) => test))
  const problems = []
  for (const [test, status] of found) {
    if (status === 'failed' && !meant.has(test)) problems.push(`failed: ${test}`)
    if (status === 'passed' && meant.has(test))
      problems.push(`passed, and is listed as failing on ${side}: ${test}`)
    if (status !== 'failed' && status !== 'passed') problems.push(`${status}: ${test}`)
  }
  if (positionals.length === 0)
    for (const test of meant) if (!found.has(test)) problems.push(`listed, and does not exist: ${test}`)
  return problems
}

try {
  installTools()
  installFramework()
  copyFixtures()
  const isTyped = (await runToEnd([typescript(), '-p', 'tsconfig.json'], RUN_PATIENCE_MS)) === 0
  const found = outcomes(await runJest())
  if (values['update-snapshots'])
    cpSync(join(workspace, 'adapters'), join(source, 'adapters'), { recursive: true })
  const problems = judge(found, JSON.parse(readFileSync(join(source, 'differences.json'), 'utf8')))
  if (!isTyped) problems.push('the type check reported the errors above')
  for (const problem of problems) console.error(`compat: ${problem}`)
  const count = (status) => [...found.values()].filter((each) => each === status).length
  const side = values.reference ? 'reference' : 'ours'
  const listed = problems.length === 0 && count('failed') > 0 ? ', all of them in differences.json' : ''
  console.log(`compat, ${side}: ${count('passed')} passed, ${count('failed')} failed${listed}`)
  process.exitCode = problems.length === 0 ? 0 : 1
} catch (error) {
  if (!(error instanceof CompatError)) throw error
  console.error(`compat: ${error.message}`)
  process.exitCode = 1
}
