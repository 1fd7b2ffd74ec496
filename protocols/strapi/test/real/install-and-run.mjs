/**
 * Runs the transfer's checks against a real Strapi: installs it into dist/strapi (a few minutes the first time, most of them for the
 * compilation of SQLite's binding), then runs run.ts beside this, which starts and ends the server.
 *
 *   node protocols/strapi/test/real/install-and-run.mjs [--install-only]
 *
 * Needs what compiles the binding: a C++ compiler, make, Python 3, and the header files of this Node.js beside it.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { clearTimeout, setTimeout } from 'node:timers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../../..')
const source = join(here, 'app')
const folder = join(root, 'dist/strapi/app')
const scratch = join(root, 'dist/strapi/scratch')
const PARTS = ['config', 'database', 'src', 'start.js']
const INSTALL_FLAGS = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
const INSTALL_PATIENCE_MS = 900_000
const RUN_PATIENCE_MS = 900_000

const { values } = parseArgs({ options: { 'install-only': { type: 'boolean', default: false } } })

const npm = (args, env = {}) =>
  execFileSync('npm', [...args, ...INSTALL_FLAGS], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: INSTALL_PATIENCE_MS,
    env: { ...process.env, ...env },
  })

/** Where this Node.js has its header files; without them they would be downloaded. */
function headers() {
  const prefix = dirname(dirname(realpathSync(process.execPath)))
  return existsSync(join(prefix, 'include/node/node.h')) ? { npm_config_nodedir: prefix } : {}
}

/** Does one step of the installation, unless exactly that has been done already. */
function once(name, fingerprint, work) {
  const mark = join(folder, 'node_modules', `.${name}`)
  if (existsSync(mark) && readFileSync(mark, 'utf8') === fingerprint) return
  console.log(`strapi: not ${name} yet, which takes some minutes`)
  work()
  writeFileSync(mark, fingerprint)
}

function install() {
  const manifests = ['package.json', 'package-lock.json']
  const sum = createHash('sha256').update(process.version)
  for (const name of manifests) sum.update(readFileSync(join(source, name)))
  const fingerprint = sum.digest('hex')
  mkdirSync(folder, { recursive: true })
  for (const name of manifests) cpSync(join(source, name), join(folder, name))
  // Left to itself npm would add React, which only the admin panel needs.
  once('installed', fingerprint, () => npm(['ci', '--legacy-peer-deps', '--ignore-scripts']))
  // Of all the install scripts this one alone is needed, and it shall compile instead of fetching something compiled.
  once('compiled', fingerprint, () =>
    npm(['rebuild', 'better-sqlite3'], { npm_config_build_from_source: 'true', ...headers() }),
  )
}

function copyApplication() {
  for (const name of PARTS) {
    rmSync(join(folder, name), { recursive: true, force: true })
    cpSync(join(source, name), join(folder, name), { recursive: true })
  }
}

/** The server is a child of the child: that ends it, and the server ends itself when its parent is gone. */
function run() {
  return new Promise((done) => {
    const args = ['--import', 'tsx', join(here, 'run.ts'), folder, scratch]
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, LOG_LEVEL: 'silent', METRICS_ENABLED: 'false' },
    })
    const timer = setTimeout(() => {
      console.error(`strapi: stopped after ${RUN_PATIENCE_MS / 1000} s`)
      child.kill('SIGTERM')
    }, RUN_PATIENCE_MS)
    const forward = (signal) => child.kill(signal)
    process.on('SIGINT', forward)
    process.on('SIGTERM', forward)
    child.once('exit', (code) => {
      clearTimeout(timer)
      process.off('SIGINT', forward)
      process.off('SIGTERM', forward)
      done(code ?? 1)
    })
  })
}

install()
copyApplication()
if (!values['install-only']) process.exitCode = await run()
