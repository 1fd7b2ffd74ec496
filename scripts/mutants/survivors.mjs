/** Reads Stryker's reports: which mutants no test noticed, and which of those change nothing that could be noticed. */
import { readFileSync } from 'node:fs'

const KNOWN = new URL('equivalent.json', import.meta.url)

/** Mutants that change no behaviour, each with the reason: written by people, after they have looked at the mutant. */
export const readEquivalents = () => JSON.parse(readFileSync(KNOWN, 'utf8'))

const between = (lines, { start, end }) => {
  if (start.line === end.line) return lines[start.line - 1].slice(start.column - 1, end.column - 1)
  const inner = lines.slice(start.line, end.line - 1)
  return [
    lines[start.line - 1].slice(start.column - 1),
    ...inner,
    lines[end.line - 1].slice(0, end.column - 1),
  ].join('\n')
}

const oneLine = (text) => text.replace(/\s+/g, ' ').trim()

/** A mutant by its text, so that lines that move are still known. */
const described = (file, lines, { location, replacement, status }) => ({
  file,
  line: location.start.line,
  in: oneLine(lines[location.start.line - 1]),
  mutant: `${oneLine(between(lines, location))} -> ${oneLine(replacement ?? '')}`.trim(),
  isCovered: status !== 'NoCoverage',
})

const isSame = (a, b) => a.file === b.file && a.in === b.in && a.mutant === b.mutant

const countOf = (mutants, ...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length

/**
 * @param report - of Stryker, by the schema of mutation testing
 * @returns for each file what became of its mutants, and the survivors that nobody has explained
 */
export const outcomesOf = (report, equivalents) =>
  Object.entries(report.files).map(([file, { source, mutants }]) => {
    const lines = source.split('\n')
    const left = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    const all = left.map((mutant) => described(file, lines, mutant))
    const survivors = all.filter((one) => !equivalents.some((known) => isSame(known, one)))
    const noticed = countOf(mutants, 'Killed', 'Timeout')
    return { file, noticed, equivalent: all.length - survivors.length, survivors }
  })

/** Explanations of mutants in these files that are not there, or are noticed now. */
export const outdatedIn = (reports, equivalents) => {
  const left = reports.flatMap((report) =>
    Object.entries(report.files).flatMap(([file, { source, mutants }]) =>
      mutants
        .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
        .map((mutant) => described(file, source.split('\n'), mutant)),
    ),
  )
  const tried = new Set(reports.flatMap(({ files }) => Object.keys(files)))
  return equivalents.filter((known) => tried.has(known.file) && !left.some((one) => isSame(known, one)))
}

/** Of the mutants that could be noticed, how many percent were. */
export const scoreOf = (outcomes) => {
  const noticed = outcomes.reduce((sum, one) => sum + one.noticed, 0)
  const survivors = outcomes.reduce((sum, one) => sum + one.survivors.length, 0)
  return noticed + survivors === 0 ? 100 : (100 * noticed) / (noticed + survivors)
}

const rowOf = (name, outcomes) => {
  const sum = (of) => outcomes.reduce((total, one) => total + of(one), 0)
  const counts = [sum((one) => one.noticed), sum((one) => one.survivors.length), sum((one) => one.equivalent)]
  const cells = [scoreOf(outcomes).toFixed(1), ...counts].map((cell) => String(cell).padStart(9))
  return name.padEnd(36) + cells.join('')
}

export const summaryOf = (outcomes) => {
  const head = `${'file'.padEnd(36)}${['score %', 'noticed', 'survived', 'explained'].map((cell) => cell.padStart(9)).join('')}`
  const rows = outcomes.map((one) => rowOf(one.file, [one]))
  return [head, ...rows, rowOf('all', outcomes)].join('\n')
}

/** The survivors as text, file by file. */
export const listOf = (outcomes) =>
  outcomes
    .flatMap(({ file, survivors }) =>
      survivors.map(
        ({ line, in: within, mutant, isCovered }) =>
          `${file}:${line}  ${mutant}${isCovered ? '' : '  (no test runs it)'}\n    in: ${within}`,
      ),
    )
    .join('\n')
