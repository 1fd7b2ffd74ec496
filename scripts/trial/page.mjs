/** A table of docs/reliability.md, made of the outcomes of both sides. */
import { readFileSync, writeFileSync } from 'node:fs'

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

const rowOf = (cells) => `| ${cells.join(' | ').replaceAll('\n', ' ')} |`
const cellOf = (text) => text.replaceAll('|', '\\|')

/** What the row of a line begins with: all of it that is not measured. */
export const plannedCells = ({ name, law, scenario, right }) => [`\`${name}\``, law, scenario, right]

/**
 * Puts the rows between the markers of a table.
 *
 * @param of.table - the name of the markers, `<!-- name -->` and `<!-- /name -->`
 * @param of.lines - of which there is a row each
 * @param seenWith - when and with what, in a few words
 * @param ours - by the line's name, the outcome of each case; `reference` likewise
 */
export function writePage(path, { table: name, lines }, seenWith, ours, reference) {
  const text = readFileSync(path, 'utf8')
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${path} has no ${begin} … ${end}`)
  const rows = lines.map((line) => {
    const seen = [ours, reference].map((outcomes) => cellOf(verdict(outcomes.get(line.name))))
    return rowOf([...plannedCells(line), ...seen])
  })
  const table = ['', seenWith, '', ...HEAD, ...rows, ''].join('\n')
  writeFileSync(path, text.slice(0, from + begin.length) + table + text.slice(to))
}
