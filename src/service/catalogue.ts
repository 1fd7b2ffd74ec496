import { existsSync, readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Adapter } from '../adapter/adapter'
import { memberOf } from '../util/objects'

/** A path in the root folder, which is two levels up both in the package and in a checkout. */
const besides = (name: string): string => join(__dirname, '../..', name)

/** The other modules have the same extension as this one, whether they are compiled or not. */
const extension = extname(__filename)

/** The folders that have a folder or a file for each adapter: one for data providers, and one for each protocol. */
const shelves = (): string[] => {
  const protocols = besides('protocols')
  return [besides('endpoints'), ...readdirSync(protocols).map((name) => join(protocols, name, 'adapters'))]
}

/** The ready-made adapters: the file of each, by name. */
export const availableAdapters = (folders: string[] = shelves()): Map<string, string> => {
  const found = new Map<string, string>()
  for (const folder of folders.filter((one) => existsSync(one))) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const [name = ''] = entry.name.split('.')
      const file = join(folder, entry.isDirectory() ? join(name, `index${extension}`) : `${name}${extension}`)
      if (/^[a-z][a-z0-9-]*$/.test(name) && existsSync(file)) found.set(name, file)
    }
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)))
}

/**
 * Loads one of the ready-made adapters and none of the others.
 *
 * @throws Error when there is no adapter of that name
 */
export const loadAdapter = async (name: string): Promise<Adapter> => {
  const file = availableAdapters().get(name)
  if (file === undefined) {
    const names = [...availableAdapters().keys()].join(', ')
    throw new Error(`There is no adapter "${name}"; there are: ${names}`)
  }
  return adapterIn(file, name)
}

/**
 * The adapter that a module exports as `adapter`.
 *
 * @param name - of the module, for the error
 * @throws Error when it exports none, and whatever loading it throws
 */
export const adapterIn = async (file: string, name = file): Promise<Adapter> => {
  const module: unknown = await import(pathToFileURL(file).href)
  const adapter = memberOf(module, 'adapter') ?? memberOf(memberOf(module, 'default'), 'adapter')
  if (!(adapter instanceof Adapter)) throw new Error(`"${name}" does not export an adapter`)
  return adapter
}
