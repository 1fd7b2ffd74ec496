import { median, ratioOf } from '../measure/statistics'
import { type Figures, type RowPlan, type Wanted } from '../scenario'

/** One line of the table. Figures are medians of the rounds; those that were not measured are missing. */
export interface Row {
  scenario: string
  plan: RowPlan
  ours?: number
  floor?: number
  reference?: number
  /** Ours relative to theirs, round by round. */
  ratios: { floor?: number; reference?: number }
  /** Absent as long as a figure that decides it is missing. */
  reached?: boolean
  rounds: number
  disturbed?: string
}

const figureOf = (row: Row, wanted: Wanted): number | undefined =>
  wanted.of === 'ours' ? row.ours : row.ratios[wanted.of]

const holds = (row: Row, wanted: Wanted): boolean | undefined => {
  const figure = figureOf(row, wanted)
  if (figure === undefined) return undefined
  return 'atLeast' in wanted ? figure >= wanted.atLeast : figure <= wanted.atMost
}

/** A figure that is missed decides; one that is missing leaves it open. */
const reachedBy = (row: Row): boolean | undefined => {
  const outcomes = row.plan.wanted.map((wanted) => holds(row, wanted))
  if (outcomes.includes(false)) return false
  return outcomes.length === 0 || outcomes.includes(undefined) ? undefined : true
}

/** What is not as it is wanted, or could not be shown to be, in words. Empty: everything that is wanted was reached. */
export const misses = (rows: readonly Row[]): string[] =>
  rows
    .filter(({ plan, reached }) => plan.wanted.length > 0 && reached !== true)
    .map(({ scenario, plan, reached }) => {
      const against = plan.floor === undefined ? '' : ` (${plan.floor})`
      return `${reached === false ? 'missed' : 'not measured'}: ${scenario}: ${plan.measure}${against}`
    })

const optional = (values: number[] | undefined, figure: (values: number[]) => number) =>
  values === undefined ? undefined : figure(values)

/** @param figures - absent when the row was not measured @throws RangeError for rounds that cannot be paired */
export const rowOf = (scenario: string, plan: RowPlan, figures?: Figures, disturbed?: string): Row => {
  const ours = figures?.ours ?? []
  const row: Row = {
    scenario,
    plan,
    ours: figures === undefined ? undefined : median(ours),
    floor: optional(figures?.floor, median),
    reference: optional(figures?.reference, median),
    ratios: {
      floor: optional(figures?.floor, (theirs) => ratioOf(ours, theirs)),
      reference: optional(figures?.reference, (theirs) => ratioOf(ours, theirs)),
    },
    rounds: ours.length,
    disturbed,
  }
  return { ...row, reached: reachedBy(row) }
}

/** As the table and the JSON lines say it: `at least 1.3 x bare fastify`, `at most 12 ms`. */
export const wantedText = (plan: RowPlan, wanted: Wanted): string => {
  const bound = 'atLeast' in wanted ? `at least ${wanted.atLeast}` : `at most ${wanted.atMost}`
  if (wanted.of === 'ours') return `${bound} ${plan.unit}`
  return `${bound} x ${wanted.of === 'reference' ? 'the reference' : (plan.floor ?? '')}`
}

/** One line of JSON, without what is missing. */
export const jsonOf = ({ plan, ...row }: Row): string =>
  JSON.stringify({
    scenario: row.scenario,
    measure: plan.measure,
    unit: plan.unit,
    ours: row.ours,
    floor: row.floor,
    floorName: plan.floor,
    reference: row.reference,
    ratios: row.ratios,
    wanted: plan.wanted.map((wanted) => wantedText(plan, wanted)),
    reached: row.reached,
    rounds: row.rounds,
    disturbed: row.disturbed,
  })
