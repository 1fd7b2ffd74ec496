import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { memberOf } from '../util/objects'
import { packageVersion } from './package-version'

/** That of this package, whoever started the process. */
export const ownVersion = (): string => {
  const own: unknown = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8'))
  return String(memberOf(own, 'version'))
}

/**
 * Gives the service, which is often started without npm, the version of its own package (LC-8), and so the processes that it starts. An
 * author's adapter is a package of its own, whose version only npm knows.
 */
export const useOwnVersion = (): void => {
  if (packageVersion() !== undefined) return
  process.env['npm_package_version'] = ownVersion()
}
