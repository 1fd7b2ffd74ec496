/** A table of docs/reliability.md, made of the outcomes of both sides. */
const HEAD = ['| line | laws | what happens | right | ours | reference |', '|---|---|---|---|---|---|']

/** Tenths of seconds differ from run to run. */
const coarse = (text) =>
  text.replace(/(\d+\.\d) s\b/g, (_, number) => (number < 1 ? 'less than 1 s' : `${Math.round(number)} s`))

/** By what was seen, the cases in which it was. */
function seenIn(cases) {
  const seen = new Map()
  for (const { name, saw } of cases) seen.set(coarse(saw), [...(seen.get(coarse(saw)) ?? []), name])
  return seen
}

function verdict(cases) {
  if (cases.length === 0) return '—'
  const wrong = cases.filter(({ ok }) => !ok)
  if (wrong.length === 0) {
    const [saw, ...others] = seenIn(cases).keys()
    return others.length === 0 ? `right: ${saw}` : `right in all ${cases.length} cases`
  }
  const said = [...seenIn(wrong)].map(([saw, names]) => `${names.join('; ')}: ${saw}`)
  return `**wrong** in ${wrong.length} of ${cases.length}. ${said.join('. ')}`
}

export const rowOf = (cells) => `| ${cells.join(' | ').replaceAll('\n', ' ')} |`
const cellOf = (text) => text.replaceAll('|', '\\|')

/** Where a table is, between its markers `<!-- name -->` and `<!-- /name -->`. @throws Error when it is nowhere */
export function markersOf(page, table) {
  const begin = `<!-- ${table} -->`
  const [from, to] = [page.indexOf(begin), page.indexOf(`<!-- /${table} -->`)]
  if (from < 0 || to < from) throw new Error(`the page has no ${begin} … <!-- /${table} -->`)
  return { begin, from, to }
}

export const between = (page, table) => {
  const { begin, from, to } = markersOf(page, table)
  return page.slice(from + begin.length, to)
}

/** What the row of a line begins with: all of it that is not measured. */
export const plannedCells = ({ name, law, scenario, right }) => [`\`${name}\``, law, scenario, right]

/**
 * The page with the rows between the markers of a table.
 *
 * @param of.table - the name of the markers
 * @param of.lines - of which there is a row each
 * @param seenWith - when and with what, in a few words
 * @param ours - by the line's name, the outcome of each case; `reference` likewise
 */
export function withTable(page, { table: name, lines }, seenWith, ours, reference) {
  const { begin, from, to } = markersOf(page, name)
  const rows = lines.map((line) => {
    const seen = [ours, reference].map((outcomes) => cellOf(verdict(outcomes.get(line.name))))
    return rowOf([...plannedCells(line), ...seen])
  })
  const table = ['', seenWith, '', ...HEAD, ...rows, ''].join('\n')
  return page.slice(0, from + begin.length) + table + page.slice(to)
}
