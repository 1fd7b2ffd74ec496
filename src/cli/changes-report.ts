import { listed } from '../adapter/hints'
import { type SettingsSurvey } from '../service/settings-survey'
import { listOf, outcomeOf, shown } from './check-report'
import { type ChangedSetting, type Difference, type SettingsChanges } from './settings-changes'

const WORDS: Readonly<Record<Difference['of'], string>> = {
  value: 'value',
  default: 'default',
  type: 'type',
  required: 'required',
  sensitive: 'secret',
  options: 'options',
  rule: 'rule',
  description: 'meaning',
}

const change = ({ of, before, now }: Difference): string => `${WORDS[of]} ${shown(now)}, was ${shown(before)}`

/** The value in effect comes first: whatever else is new, that is what the service does otherwise. */
const changeLines = (changed: readonly ChangedSetting[], isOfValue: boolean): string[] =>
  changed
    .filter(({ differences }) => differences.some(({ of }) => of === 'value') === isOfValue)
    .map(({ group, name, differences }) => `${group} ${name}: ${differences.map(change).join('; ')}`)

/** What has become of settings from one version to another, as text: what needs an operator comes first. */
export const changesReport = (
  changes: SettingsChanges,
  survey: Pick<SettingsSurvey, 'problems' | 'warnings'>,
): string => {
  const { from, to, lost, unset, added, gone, changed, groups } = changes
  const lines = [
    ...listOf(
      lost.map(({ variable, settings }) => `${variable}, which was for ${listed(settings)}`),
      'variable that is set has no effect any more',
      'variables that are set have no effect any more',
    ),
    ...listOf(unset, 'variable was set then and is not now', 'variables were set then and are not now'),
    ...listOf(changeLines(changed, true), 'setting has another value', 'settings have another value'),
    ...listOf(changeLines(changed, false), 'setting is another', 'settings are others'),
    ...listOf(
      gone.map(({ group, name }) => `${group} ${name}`),
      'setting is gone',
      'settings are gone',
    ),
    ...listOf(
      added.map(({ group, name, default: usual }) => `${group} ${name}: default ${shown(usual)}`),
      'setting is new',
      'settings are new',
    ),
    ...listOf(groups.gone, 'adapter is not there any more', 'adapters are not there any more'),
    ...listOf(groups.added, 'adapter is new', 'adapters are new'),
  ]
  const title = `Settings of version ${to}, compared with version ${from}`
  return [
    title,
    '',
    ...(lines.length === 0 ? ['Nothing is otherwise.', ''] : lines),
    ...outcomeOf(survey),
  ].join('\n')
}
