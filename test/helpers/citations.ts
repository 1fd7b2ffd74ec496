export interface Citation {
  kind: 'contract' | 'spec' | 'law'
  id: string
  line: number
}

const SECTIONS = /\b(contract|spec) (\d+(?:\.\d+)*(?:(?:,| and) \d+(?:\.\d+)+)*)/g
const LAW = /\b([A-Z]{2})-(\d+)\b/g

/**
 * The sections and laws that a text cites: `contract 6.4`, `spec 9.1`, `FR-1`.
 *
 * @param prefixes what laws begin with; other capitals before a number are none
 */
export function citationsIn(text: string, prefixes: ReadonlySet<string>): Citation[] {
  const found: Citation[] = []
  for (const [index, line] of text.split('\n').entries()) {
    for (const [, kind, ids] of line.matchAll(SECTIONS))
      for (const id of ids!.match(/\d+(?:\.\d+)*/g)!)
        found.push({ kind: kind as 'contract' | 'spec', id, line: index + 1 })
    for (const [id, prefix] of line.matchAll(LAW))
      if (prefixes.has(prefix!)) found.push({ kind: 'law', id, line: index + 1 })
  }
  return found
}

/** What of a page can be cited: its numbered headings, and under a heading the numbered items of lists and rows of tables. */
export function sectionsOf(page: string): Set<string> {
  const sections = new Set<string>()
  let heading: string | undefined
  for (const line of page.split('\n')) {
    const [, number] = /^#+ (\d+(?:\.\d+)*)\.? /.exec(line) ?? []
    if (number !== undefined) sections.add((heading = number))
    const [, item] = /^(?:\| )?(\d+)(?:\. | \|)/.exec(line) ?? []
    if (heading !== undefined && item !== undefined) sections.add(`${heading}.${item}`)
  }
  return sections
}
