import { type CoreTimes } from './cpu'

/** Beyond these shares of a core's time a scenario counts as disturbed. */
const MAX_STEAL = 0.01
const MAX_OTHERS = 0.05

/** The state of the machine at one moment; all in seconds. */
export interface Moment {
  at: number
  cores: readonly CoreTimes[]
  /** CPU time so far of the bench's own processes, by the core that they are pinned to. */
  own: ReadonlyMap<number | 'any', number>
}

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`

const describe = (where: string, steal: number, others: number): string[] => [
  ...(steal > MAX_STEAL ? [`the host took ${percent(steal)} of ${where}`] : []),
  ...(others > MAX_OTHERS ? [`other processes took ${percent(others)} of ${where}`] : []),
]

/**
 * Says what disturbed the bench between two moments: time that the host took, and time of processes that are not the bench's, on the
 * cores that it uses. Where some of its processes may run on any core, all cores are looked at together.
 *
 * @returns undefined when next to nothing did
 */
export const disturbanceBetween = (before: Moment, after: Moment): string | undefined => {
  const seconds = after.at - before.at
  if (seconds <= 0) return undefined
  const grown = (figure: 'busy' | 'steal', core: number): number =>
    (after.cores[core]?.[figure] ?? 0) - (before.cores[core]?.[figure] ?? 0)
  const ownOn = (core: number | 'any'): number => (after.own.get(core) ?? 0) - (before.own.get(core) ?? 0)
  const all = after.cores.map((_, core) => core)
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
  if (after.own.has('any')) {
    const own = sum([...after.own.keys()].map(ownOn))
    const others = sum(all.map((core) => grown('busy', core))) - own
    const steal = sum(all.map((core) => grown('steal', core)))
    return describe('a core', steal / seconds, others / seconds).join(', ') || undefined
  }
  const notes = all
    .filter((core) => after.own.has(core))
    .flatMap((core) =>
      describe(`core ${core}`, grown('steal', core) / seconds, (grown('busy', core) - ownOn(core)) / seconds),
    )
  return notes.join(', ') || undefined
}
