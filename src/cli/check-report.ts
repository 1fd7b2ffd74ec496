import { MATTER_MOST } from '../config/reference'
import { type SettingOrigin } from '../config/setting-origins'
import { type SettingGroup, type SettingsSurvey } from '../service/settings-survey'
import { beginningOf } from '../util/redaction'

/** Longer values are cut: the report is a table. */
const MAX_SHOWN = 60

/** A value in a line of a report. */
export const shown = (value: unknown): string => {
  if (value === undefined || value === '') return '-'
  const given = typeof value === 'string' ? value : JSON.stringify(value)
  // A key may have line ends, and a terminal must not obey what somebody has set.
  // eslint-disable-next-line no-control-regex -- these are what is taken out
  const text = given.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
  return beginningOf(text, MAX_SHOWN)
}

const SOURCES = {
  environment: 'set',
  file: 'from a file',
  adapter: "the adapter's default",
  default: 'default',
}

const columnsOf = ({
  name,
  variable,
  source,
  value,
  default: usual,
  isDifferent,
}: SettingOrigin): string[] => {
  const isNamed = source === 'environment' || source === 'file'
  const from = isNamed && variable !== name ? `${SOURCES[source]}: ${variable}` : SOURCES[source]
  return [name, shown(value), from, isDifferent ? `default ${shown(usual)}` : '']
}

const rankOf = ({ name }: SettingOrigin): number => {
  const rank = MATTER_MOST.indexOf(name)
  return rank === -1 ? MATTER_MOST.length : rank
}

/** Those of an adapter without what is the same for all, which stands once above. */
const isTold = ({ prefix }: SettingGroup, { variable, source, isDifferent }: SettingOrigin): boolean => {
  if (source === 'adapter') return true
  if (prefix !== undefined && !variable.startsWith(`${prefix}_`)) return false
  return isDifferent || source !== 'default'
}

const tableOf = (rows: string[][]): string[] => {
  const widths = (rows[0] ?? []).map((_cell, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd())
}

const groupLines = (group: SettingGroup, isWhole: boolean): string[] => {
  const told = group.settings.filter((one) => isWhole || isTold(group, one))
  const rows = told.sort((one, other) => rankOf(one) - rankOf(other)).map(columnsOf)
  const title = group.prefix ? `${group.name} (${group.prefix}_…)` : group.name
  return [title, ...(rows.length === 0 ? ['  all as by default'] : tableOf(rows)), '']
}

/** Lines under a title that counts them, by what one is called and several are; nothing for none. */
export const listOf = (lines: readonly string[], one: string, several = `${one}s`): string[] =>
  lines.length === 0
    ? []
    : [`${lines.length} ${lines.length === 1 ? one : several}:`, ...lines.map((line) => `  ${line}`), '']

/** What is wrong, and whether anything is. */
export const outcomeOf = ({
  problems,
  warnings,
}: Pick<SettingsSurvey, 'problems' | 'warnings'>): string[] => [
  ...listOf(warnings, 'warning'),
  ...listOf(problems, 'problem'),
  problems.length === 0 ? 'The settings are good.' : 'The settings are not good.',
]

/**
 * A survey of settings as text: of each adapter what is set or not as the framework has it by default, then what is wrong.
 *
 * @param isWhole - shows every setting
 */
export const reportOf = (
  { problems, warnings, groups, unused }: SettingsSurvey,
  isWhole: boolean,
): string => {
  const rest = unused.length === 0 ? [] : [`Not set up, and not run: ${unused.join(', ')}`, '']
  return [
    ...groups.flatMap((group) => groupLines(group, isWhole)),
    ...rest,
    ...outcomeOf({ problems, warnings }),
  ].join('\n')
}
