import { cpus } from 'node:os'
import { execFileSync, spawnSync } from 'node:child_process'

/** What is measured has the first core for itself; load, provider and bench share the second. */
export const SERVICE_CORE = 0
export const OTHER_CORE = 1

export type Core = number | 'any'

let isPossible: boolean | undefined

/** False without `taskset` or a second core: the figures are noisier then, the ratios still mean something. */
export const canPin = (): boolean =>
  (isPossible ??= [SERVICE_CORE, OTHER_CORE].every(
    (core) => spawnSync('taskset', ['-c', String(core), 'true']).status === 0,
  ))

/** The command that starts a program on a core, or on all, from its first instruction: else it would be where the bench is. */
export const pinned = (core: Core, command: string[]): string[] => {
  if (!canPin()) return command
  const cores = core === 'any' ? `0-${cpus().length - 1}` : String(core)
  return ['taskset', '-c', cores, ...command]
}

/** Where a process counts that was to run on a core. */
export const placeOf = (core: Core): Core => (canPin() ? core : 'any')

export const pinSelf = (): void => {
  if (canPin())
    execFileSync('taskset', ['-apc', String(OTHER_CORE), String(process.pid)], { stdio: 'ignore' })
}
