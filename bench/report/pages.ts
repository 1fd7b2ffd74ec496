import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Row } from './row'
import { tableOf } from './table'

const BEGIN = '<!-- bench -->'
const END = '<!-- /bench -->'

/** Under what the figures were taken. */
export interface Circumstances {
  /** Such as 2026-01-31. */
  date: string
  node: string
  cores: number
  model: string
}

/** @throws Error for a page without exactly one pair of markers */
export const replaceBetweenMarkers = (page: string, text: string): string => {
  const pieces = page.split(new RegExp(`${BEGIN}[^]*?${END}`))
  if (pieces.length !== 2)
    throw new Error(`A page needs one ${BEGIN} and ${END}, and has ${pieces.length - 1}`)
  return `${pieces[0]}${BEGIN}\n\n${text}\n\n${END}${pieces[1]}`
}

const circumstancesText = ({ date, node, cores, model }: Circumstances): string =>
  `${date}, Node.js ${node}, ${cores} cores, ${model}.`

/** What stands between the markers of docs/performance.md. */
export const fullSection = (
  rows: readonly Row[],
  circumstances: Circumstances,
  notes: readonly string[],
): string => {
  const list = notes.map((note) => `- ${note}`).join('\n')
  return [circumstancesText(circumstances), tableOf(rows), ...(list === '' ? [] : [list])].join('\n\n')
}

/** What stands between those of the README. */
export const briefSection = (rows: readonly Row[], circumstances: Circumstances): string => {
  const headlines = rows.filter(({ plan }) => plan.isHeadline)
  return [circumstancesText(circumstances), tableOf(headlines, 'brief')].join('\n\n')
}

/** Writes the whole table into docs/performance.md, and the rows that say most into the README. */
export const writePages = (
  root: string,
  rows: readonly Row[],
  circumstances: Circumstances,
  notes: readonly string[],
): void => {
  const write = (name: string, section: string) => {
    const file = path.join(root, name)
    writeFileSync(file, replaceBetweenMarkers(readFileSync(file, 'utf8'), section))
  }
  write('docs/performance.md', fullSection(rows, circumstances, notes))
  write('README.md', briefSection(rows, circumstances))
}
