/** One statement about the service that is tried from outside. */
export interface Line {
  name: string
  /** The laws that it is about, separated by commas. */
  law: string
  scenario: string
  right: string
  cases: { name: string; only?: 'ours' }[]
}

export interface Trial {
  /** The name of the markers around its table. */
  table: string
  lines: Line[]
}

export const stale: Trial
export const alive: Trial
export const answers: Trial
export const edge: Trial
export const laws: Trial
/** In the order of their tables. */
export const trials: Trial[]
