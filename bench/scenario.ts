import { type Bench } from './bench'

/** A figure that is wanted: of ours alone in the row's unit, or of ours relative to the floor's or the reference's. */
export type Wanted = { of: 'ours' | 'floor' | 'reference' } & ({ atLeast: number } | { atMost: number })

/** One line of the table, before anything is measured. */
export interface RowPlan {
  /** What is measured, as the table says it. */
  measure: string
  unit: string
  /** What ours is held against; absent where nothing is. */
  floor?: string
  wanted: readonly Wanted[]
  /** Whether the README's short table has it. */
  isHeadline?: boolean
}

/** What was measured for a row: one value per round, those at equal places next to each other in time. */
export interface Figures {
  ours: number[]
  floor?: number[]
  reference?: number[]
}

/** Where a scenario stands in the table. Most belong to no group. */
export type Group = 'nodes' | 'constant' | 'tricks'

/** One thing that is measured. A file of scenarios/ exports one or more, as `scenarios`. */
export interface Scenario {
  name: string
  group?: Group
  rows: readonly RowPlan[]
  /** @returns figures in the order of the rows @throws Skipped where it cannot be measured on this machine */
  run: (bench: Bench) => Promise<Figures[]>
}

/** Why a scenario was not measured. */
export class Skipped extends Error {}
