import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'

/** The repository's root folder. */
export const root = join(__dirname, '..', '..')

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Files below a folder of the repository, as paths from its root; none if there is no such folder. */
export function filesBelow(folder: string, wanted: RegExp): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path.split(sep).join('/')}`)
    .filter((path) => wanted.test(path))
    .sort()
}
