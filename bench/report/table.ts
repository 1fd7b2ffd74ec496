import { type Row, wantedText } from './row'

const MISSING = '-'

/** Thousands in groups, small figures with up to two digits behind the point; nothing for a ratio to zero. */
export const shown = (value: number | undefined): string => {
  if (value === undefined || !Number.isFinite(value)) return MISSING
  if (value >= 1_000) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

const reachedText = ({ reached, plan }: Row): string => {
  if (reached !== undefined) return reached ? 'yes' : 'no'
  return plan.wanted.length === 0 ? '' : MISSING
}

type Column = readonly [string, (row: Row) => string]

const columns: readonly Column[] = [
  ['scenario', (row) => row.scenario],
  ['measure', (row) => row.plan.measure],
  ['unit', (row) => row.plan.unit],
  ['ours', (row) => shown(row.ours)],
  ['floor', (row) => (row.plan.floor === undefined ? '' : `${row.plan.floor}: ${shown(row.floor)}`)],
  ['to the floor', (row) => (row.plan.floor === undefined ? '' : shown(row.ratios.floor))],
  ['reference', (row) => shown(row.reference)],
  ['to the reference', (row) => shown(row.ratios.reference)],
  ['wanted', (row) => row.plan.wanted.map((wanted) => wantedText(row.plan, wanted)).join(', ')],
  ['reached', (row) => `${reachedText(row)}${row.disturbed === undefined ? '' : ' (disturbed)'}`.trim()],
]

/** What a reader in a hurry wants to know. */
const briefColumns = [
  'measure',
  'unit',
  'ours',
  'floor',
  'to the floor',
  'to the reference',
  'wanted',
  'reached',
]

const isBrief = (column: Column): boolean => briefColumns.includes(column[0])

/** The rows as a Markdown table, padded so that it can be read as text too. */
export const tableOf = (rows: readonly Row[], length: 'full' | 'brief' = 'full'): string => {
  const shownColumns = length === 'full' ? columns : columns.filter(isBrief)
  const lines = [
    shownColumns.map(([title]) => title),
    ...rows.map((row) => shownColumns.map(([, cell]) => cell(row))),
  ]
  const widths = shownColumns.map((_, at) => Math.max(3, ...lines.map((line) => line[at]!.length)))
  const written = lines.map((line) => `| ${line.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`)
  written.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  return written.join('\n')
}
