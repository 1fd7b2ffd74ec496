/** Packs dist/package into dist/tickwell-<version>.tgz, the only tarball that is left there. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist')
const folder = join(dist, 'package')

function fail(message) {
  console.error(`package: ${message}`)
  process.exit(1)
}

if (!existsSync(join(folder, 'package.json'))) fail('dist/package is missing: run `npm run build` first')
const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
for (const file of readdirSync(dist)) if (file.endsWith('.tgz')) rmSync(join(dist, file))

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
const args = ['pack', folder, '--pack-destination', dist, '--ignore-scripts', '--loglevel=error', '--json']
const { status, error, stderr } = spawnSync(npm, args, { encoding: 'utf8' })
if (error || status !== 0) fail(error ? error.message : stderr)

const tarball = `${name}-${version}.tgz`
if (!existsSync(join(dist, tarball))) fail(`npm did not write dist/${tarball}`)
console.log(`dist/${tarball}`)
