/** A build that has the small adapter of this folder among its own, so that its service can run it with workers. */
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ADAPTER = fileURLToPath(new URL('adapter.cjs', import.meta.url))

/** What the service calls it. */
export const NAME = 'trial'

/** By build, its copy with the adapter. Gone with the trial, however that ends. */
const copies = new Map()
process.once('exit', () => {
  for (const copy of copies.values()) rmSync(copy, { recursive: true, force: true })
})

/** @returns the folder of the copy: beside the build, so that it finds the same dependencies */
export function buildWithAdapter(build) {
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
