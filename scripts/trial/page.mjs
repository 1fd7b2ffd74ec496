/** The table of docs/reliability.md, made of the outcomes of both sides. */
import { readFileSync, writeFileSync } from 'node:fs'
import { lines } from './lines.mjs'

const [BEGIN, END] = ['<!-- lines -->', '<!-- /lines -->']

/** Times differ a little from run to run; whole seconds do not. */
const coarse = (text) => text.replace(/(\d+)\.\d s\b/g, (_, whole) => `${whole} s`)
const cell = (text) => coarse(text).replaceAll('|', '\\|').replaceAll('\n', ' ')

function verdict(cases) {
  if (cases.length === 0) return '—'
  const wrong = cases.filter(({ ok }) => !ok)
  if (wrong.length === 0) return 'right'
  const how = new Map()
  for (const { name, saw } of wrong) how.set(coarse(saw), [...(how.get(coarse(saw)) ?? []), name])
  const said = [...how].map(([saw, names]) => `${names.join('; ')}: ${saw}`).join('. ')
  return `wrong in ${wrong.length} of ${cases.length}. ${said}`
}

export const rowOf = ({ name, law, scenario, right }) =>
  `| \`${name}\` | ${law} | ${scenario} | ${right} |`.replaceAll('\n', ' ')

export function writePage(path, ours, reference) {
  const text = readFileSync(path, 'utf8')
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`${path} has no ${BEGIN} … ${END}`)
  const rows = lines.map(
    (line) =>
      `${rowOf(line)} ${cell(verdict(ours.get(line.name)))} | ${cell(verdict(reference.get(line.name)))} |`,
  )
  const head = ['| line | laws | what happens | right | ours | reference |', '|---|---|---|---|---|---|']
  const table = ['', '', ...head, ...rows, '', ''].join('\n')
  writeFileSync(path, text.slice(0, from + BEGIN.length) + table + text.slice(to))
}
