import { type SettingMeaning, type SettingOrigin } from '../config/setting-origins'
import { type SettingGroup, type SettingsSurvey } from '../service/settings-survey'
import { isObject, memberOf } from '../util/objects'

/** A survey with the version that made it, as `tickwell check --json` prints it. */
export type VersionedSurvey = SettingsSurvey & { version: string }

/** One thing about a setting that is not what it was. */
export interface Difference {
  /** Its value in effect, its default, or a member of its meaning. */
  of: 'value' | 'default' | keyof SettingMeaning
  before: unknown
  now: unknown
}

/** A setting of both versions that is not what it was. */
export interface ChangedSetting {
  group: string
  name: string
  differences: Difference[]
}

/** What two versions make of the same variables. */
export interface SettingsChanges {
  from: string
  to: string
  /** Variables that are set, were read, and are no longer, each with what it was for. */
  lost: { variable: string; settings: string[] }[]
  /** Variables that were set then and are not now, so that the comparison knows nothing of them. */
  unset: string[]
  added: { group: string; name: string; default: unknown }[]
  gone: { group: string; name: string }[]
  changed: ChangedSetting[]
  /** Adapters, or the whole of other settings that belong together. */
  groups: { added: string[]; gone: string[] }
}

const isOrigin = (value: unknown): boolean =>
  isObject(value) &&
  isObject(value['meaning']) &&
  ['name', 'variable', 'source'].every((member) => typeof value[member] === 'string')

const isGroup = (value: unknown): boolean => {
  const settings = memberOf(value, 'settings')
  return typeof memberOf(value, 'name') === 'string' && Array.isArray(settings) && settings.every(isOrigin)
}

/** Whether something has the members of a survey that are compared. */
export const isSurvey = (value: unknown): value is VersionedSurvey => {
  const groups = memberOf(value, 'groups')
  return typeof memberOf(value, 'version') === 'string' && Array.isArray(groups) && groups.every(isGroup)
}

const isSet = ({ source }: SettingOrigin): boolean => source === 'environment' || source === 'file'

const areSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

const MEANING: readonly (keyof SettingMeaning)[] = [
  'type',
  'required',
  'sensitive',
  'options',
  'rule',
  'description',
]

/** Of a setting that is a secret in one of the versions, no value is told: the other one does not hide it. */
const differencesOf = (before: SettingOrigin, now: SettingOrigin): Difference[] => {
  const values = before.meaning.sensitive || now.meaning.sensitive ? [] : (['value', 'default'] as const)
  const all = [
    ...values.map((of) => ({ of, before: before[of], now: now[of] })),
    ...MEANING.map((of) => ({ of, before: before.meaning[of], now: now.meaning[of] })),
  ]
  return all.filter((one) => !areSame(one.before, one.now))
}

/** The groups of two surveys that are of the same thing. An adapter of somebody's own goes by its file, which may be in another folder. */
const pairs = (
  before: readonly SettingGroup[],
  now: readonly SettingGroup[],
): [SettingGroup, SettingGroup][] => {
  if (before.length === 1 && now.length === 1) return [[before[0]!, now[0]!]]
  return before.flatMap((one): [SettingGroup, SettingGroup][] => {
    const other = now.find(({ name }) => name === one.name)
    return other === undefined ? [] : [[one, other]]
  })
}

const FRAMEWORK = 'framework'

/** Without those of adapters that are the same for the framework: they stand there once. */
const oncePerSetting = <T extends { group: string }>(all: readonly T[]): T[] => {
  const ofAll = new Set(all.filter(({ group }) => group === FRAMEWORK).map((one) => JSON.stringify(one)))
  return all.filter(
    (one) => one.group === FRAMEWORK || !ofAll.has(JSON.stringify({ ...one, group: FRAMEWORK })),
  )
}

const lostOf = (
  before: readonly SettingGroup[],
  now: readonly SettingGroup[],
  isSetNow: (variable: string) => boolean,
): Pick<SettingsChanges, 'lost' | 'unset'> => {
  const read = new Set(now.flatMap(({ settings }) => settings.filter(isSet).map(({ variable }) => variable)))
  const was = new Map<string, string[]>()
  for (const { name: group, settings } of before)
    for (const { name, variable } of settings.filter(isSet))
      was.set(variable, [...(was.get(variable) ?? []), `${group} ${name}`])
  const missing = [...was].filter(([variable]) => !read.has(variable))
  return {
    lost: missing
      .filter(([variable]) => isSetNow(variable))
      .map(([variable, settings]) => ({ variable, settings })),
    unset: missing.filter(([variable]) => !isSetNow(variable)).map(([variable]) => variable),
  }
}

/** Those of the first list whose names are not in the second. */
const without = <T extends { name: string }>(all: readonly T[], others: readonly { name: string }[]): T[] => {
  const names = new Set(others.map(({ name }) => name))
  return all.filter(({ name }) => !names.has(name))
}

/**
 * What has become of settings from one version to another.
 *
 * @param isSetNow - whether a variable is set where the second survey was made
 */
export const changesBetween = (
  before: VersionedSurvey,
  now: VersionedSurvey,
  isSetNow: (variable: string) => boolean,
): SettingsChanges => {
  const both = pairs(before.groups, now.groups)
  const [old, recent] = [both.map(([one]) => one), both.map(([, other]) => other)]
  const added = both.flatMap(([one, other]) =>
    without(other.settings, one.settings).map(({ name, default: usual }) => ({
      group: other.name,
      name,
      default: usual,
    })),
  )
  const gone = both.flatMap(([one, other]) =>
    without(one.settings, other.settings).map(({ name }) => ({ group: other.name, name })),
  )
  const changed = both.flatMap(([one, other]) =>
    one.settings.flatMap((setting): ChangedSetting[] => {
      const same = other.settings.find(({ name }) => name === setting.name)
      const differences = same === undefined ? [] : differencesOf(setting, same)
      return differences.length === 0 ? [] : [{ group: other.name, name: setting.name, differences }]
    }),
  )
  return {
    from: before.version,
    to: now.version,
    ...lostOf(before.groups, now.groups, isSetNow),
    added: oncePerSetting(added),
    gone: oncePerSetting(gone),
    changed: oncePerSetting(changed),
    groups: {
      added: without(now.groups, recent).map(({ name }) => name),
      gone: without(before.groups, old).map(({ name }) => name),
    },
  }
}
