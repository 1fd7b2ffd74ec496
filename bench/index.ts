/**
 * Speed as ratios, all of one run: our built package and a floor take turns under the same load. See README, "How fast".
 */
import { pinSelf } from './process'
import { cachedPosts, firstPrice, ingest, type Row, startUpAndMemory } from './scenarios'

const shown = (value: number | undefined): string => {
  if (value === undefined) return '-'
  return value >= 1_000
    ? Math.round(value).toLocaleString('en-US').replaceAll(',', ' ')
    : value.toFixed(value < 10 ? 2 : 0)
}

const print = (rows: Row[]): void => {
  const table = rows.map((row) => [
    row.scenario,
    row.unit,
    shown(row.ours),
    shown(row.floor),
    shown(row.ratio),
    row.atLeast,
  ])
  const lines = [['scenario', 'unit', 'ours', 'floor', 'ratio', 'at least'], ...table]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  for (const [index, line] of lines.entries()) {
    console.log(`| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`)
    if (index === 0) console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  }
}

const main = async (): Promise<void> => {
  pinSelf()
  const startedAt = performance.now()
  const rows: Row[] = []
  for (const scenario of [
    () => cachedPosts(1),
    () => cachedPosts(100),
    () => ingest(100, 200_000),
    firstPrice,
    startUpAndMemory,
  ])
    rows.push(...(await scenario()))
  print(rows)
  console.log(`\nNode ${process.version}, ${Math.round((performance.now() - startedAt) / 1000)} s in all`)
}

void main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
