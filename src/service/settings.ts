import { ConfigError, problemsIn } from '../config/config-error'
import { readServerSettings } from '../config/server-settings'
import { adaptersNamed, readServiceSettings, type ServiceSettings } from '../config/service-settings'
import type * as Hosting from './hosting'

/** What `read` throws; undefined if it succeeds. */
const failureOf = (read: () => unknown): unknown => {
  try {
    read()
    return undefined
  } catch (error) {
    return error
  }
}

const problemsOfAdapters = (adapters: string[]): Promise<string[]> => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a supervisor that can start loads no adapters
  const hosting = require('./hosting') as typeof Hosting
  return hosting.problemsOfAdapters({ adapters })
}

/**
 * The settings of the process.
 *
 * @throws ConfigError for bad ones. It names the problems of the adapters' settings too, so that all are reported at once (LC-5)
 */
export const readSettings = async (): Promise<ServiceSettings> => {
  const failures = [failureOf(readServiceSettings), failureOf(readServerSettings)].filter(Boolean)
  if (failures.length === 0) return readServiceSettings()
  const own = failures.flatMap((failure) => {
    const problems = problemsIn(failure)
    if (problems === undefined) throw failure as Error
    return problems
  })
  const all = new Set([...own, ...(await problemsOfAdapters(adaptersNamed()))])
  throw all.size === 1 ? failures[0] : new ConfigError([...all])
}
