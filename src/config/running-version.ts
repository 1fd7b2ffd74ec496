import { createHash } from 'node:crypto'
import { type AnyConfig } from './adapter-config'
import { packageVersion } from './package-version'
import { settingsList } from './settings-list'

/** What of an adapter runs, and since when: the same in `/status`, in the log and as a metric (LC-8). */
export interface RunningVersion {
  version: string
  /** The same for the same settings. Of a secret it tells only whether there is one: a hash of it could be guessed at. */
  configurationHash: string
  startedUnixMs: number
}

/** It does not move when the wall clock is set. */
const startedUnixMs = Math.round(performance.timeOrigin)

const hashOf = (config: AnyConfig): string => {
  const shown = settingsList(config).map(({ name, value }) => [name, value])
  return createHash('sha256').update(JSON.stringify(shown)).digest('hex').slice(0, 16)
}

export const runningVersion = (config: AnyConfig): RunningVersion => ({
  version: packageVersion() ?? 'unknown',
  configurationHash: hashOf(config),
  startedUnixMs,
})
