/** What is run of a build: its service with one of its adapters, or the small one on its framework. */
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ADAPTER } from '../outside/service.mjs'

/** What the service calls the small adapter. */
const NAME = 'trial'
const MAINS = ['lib/service/main.js', 'main.js']

/** By build, its copy with the adapter. Gone with the trial, however that ends. */
const copies = new Map()
process.once('exit', () => {
  for (const copy of copies.values()) rmSync(copy, { recursive: true, force: true })
})

/**
 * A copy of the build that has the small adapter among its own, so that its service can run it with workers: beside the build, so that it
 * finds the same dependencies.
 */
function buildWithAdapter(build) {
  const known = copies.get(build)
  if (known !== undefined) return known
  if (!existsSync(join(build, 'endpoints'))) throw new Error(`there are no adapters in ${build}`)
  const copy = mkdtempSync(join(dirname(build), 'trial-'))
  copies.set(build, copy)
  cpSync(build, copy, { recursive: true })
  const made = `require(${JSON.stringify(ADAPTER)}).adapterOn(${JSON.stringify(copy)})`
  writeFileSync(join(copy, 'endpoints', `${NAME}.js`), `exports.adapter = ${made}\n`)
  return copy
}

function mainOf(build) {
  const found = MAINS.map((name) => join(build, name)).find(existsSync)
  if (found === undefined) throw new Error(`there is no service in ${build}`)
  return found
}

/**
 * One of the package's own adapters in its service, or the small one on the framework of that package: as a program of its own, and where
 * there are several workers in the service, too.
 *
 * @param build - the folder of a package
 * @param of.venue - the name of the package's adapter; none for the small one
 * @param of.isService - the small one runs in the service even where there is one process
 */
export function programOf(build, { venue, workers = 1, isService = false }) {
  if (venue === undefined && workers === 1 && !isService)
    return { program: ADAPTER, own: { OUTSIDE_FRAMEWORK: build } }
  const many = workers > 1 ? { WORKERS: String(workers) } : {}
  if (venue !== undefined) return { program: mainOf(build), own: { ADAPTERS: venue, ...many } }
  return { program: mainOf(buildWithAdapter(build)), own: { ADAPTERS: NAME, ...many } }
}
