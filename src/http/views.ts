import { type AnyAdapter } from '../adapter/adapter'
import { type AnyRequest } from '../adapter/params'
import { type ExplainAnswer } from './explain-answer'
import { explanationOf } from './explanation'
import { type Liveness } from './live'
import { type FeedsReadiness } from './ready'
import { type ProcessState } from './process-state'

/** What the pages show that are about the service itself. In a worker much of it is asked of the writer. */
export interface Views {
  readonly state: ProcessState
  liveness(): Promise<Liveness>
  readiness(): Promise<FeedsReadiness>
  explain(adapter: AnyAdapter, request: AnyRequest): Promise<ExplainAnswer>
}

/** The loops of a process and of its adapters. */
export const livenessOf = (state: ProcessState, adapters: readonly AnyAdapter[]): Liveness => {
  const all = [state.loops, ...adapters.map(({ loops }) => loops)]
  return {
    restarted: adapters.flatMap(({ restarted }) => restarted?.() ?? []),
    stalls: state.stall === undefined ? [] : [state.stall],
    loops: all.reduce((sum, { size }) => sum + size, 0),
    hanging: [
      ...all.flatMap((loops) => loops.late()),
      ...state.silent.map(({ process, ...late }) => ({
        loop: `${process}, by its answers to the supervisor`,
        ...late,
      })),
    ],
  }
}

export const readinessOf = async (adapters: readonly AnyAdapter[]): Promise<FeedsReadiness> => {
  const looks = adapters.flatMap(({ readiness }) => readiness?.look() ?? [])
  return { adapters: await Promise.all(looks) }
}

/** Of a process that runs its transports itself. */
export const ownViews = (adapters: readonly AnyAdapter[], state: ProcessState): Views => ({
  state,
  liveness: () => Promise.resolve(livenessOf(state, adapters)),
  readiness: () => readinessOf(adapters),
  explain: explanationOf,
})
