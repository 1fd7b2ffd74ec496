/**
 * The table of what the reference framework was seen to break: for each law that `docs/contributing/invariants.md` marks so, what the lines
 * of all trials saw of both sides. It is made of the other tables of the page, and of nothing else.
 */
import lawsModule from '../laws/laws.cjs'
import { between, markersOf, rowOf } from './page.mjs'

const TABLE = 'marked'
const HEAD = ['| law | lines that try it | ours | reference |', '|---|---|---|---|']

/** What is not kept as a whole yet, and what is missing. */
export const waits = {
  'NU-3': 'for aggregated values: there is no decimal text beside the number yet',
  'NU-5': 'for aggregated values: derived values are still computed on doubles',
  'CA-4': 'for the work on Redis: a pure reader has no copy of its own',
}

/** The rows of a table, each as its cells. */
export const rowsOf = (page, table) =>
  between(page, table)
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) => line.slice(2, -2).split(/ (?<!\\)\| /))

const isWrong = (cell) => cell.startsWith('**wrong**')
const isTried = (cell) => cell !== '—'

const oursOf = (id, cells) => {
  if (!cells.some(isWrong)) return 'holds'
  return id in waits ? `waits ${waits[id]}` : '**broken**'
}

const theirsOf = (cells) => {
  if (cells.some(isWrong)) return 'broken'
  return cells.some(isTried) ? 'holds' : '—'
}

/**
 * The rows as they follow from the other tables.
 *
 * @param page - the text of docs/reliability.md
 * @param trials - of which there are tables
 */
export const markedRows = (page, trials) => {
  const rows = trials.flatMap(({ table }) => rowsOf(page, table))
  const marked = lawsModule.laws.filter(({ failsInReference }) => failsInReference)
  return marked.map(({ id, name }) => {
    const of = rows.filter(([, laws]) => laws.split(', ').includes(id))
    const lines = of.map(([line]) => line).join(', ')
    const [ours, theirs] = [4, 5].map((column) => of.map((cells) => cells[column]))
    return [`${id} · ${name}`, lines, oursOf(id, ours), theirsOf(theirs)]
  })
}

/** The page with this table made anew. */
export const withMarked = (page, trials) => {
  const { begin, from, to } = markersOf(page, TABLE)
  const table = ['', '', ...HEAD, ...markedRows(page, trials).map(rowOf), ''].join('\n')
  return page.slice(0, from + begin.length) + table + page.slice(to)
}
