import { type AnyAdapter } from '../adapter/adapter'
import { linesOf, settingsProblems } from '../adapter/settings-problems'
import { settingsWarnings } from '../adapter/settings-warnings'
import { type AnyConfig, configRefusedWith, emptyConfig } from '../config/adapter-config'
import { problemsIn } from '../config/config-error'
import { adaptersNamed, readServiceSettings, ServiceSettingsDefinition } from '../config/service-settings'
import { plainOrigins, type SettingOrigin, settingOrigins } from '../config/setting-origins'
import { uselessVariables } from '../config/useless-variables'
import { messageOf } from '../util/objects'
import { redactStrings } from '../util/redaction'
import { adapterIn, availableAdapters, loadAdapter } from './catalogue'
import { doubtsOf, isMeant, wantedNames } from './hosting'
import { NEEDS_LOCAL_CACHE } from './workers/local-only'

/** Settings that belong together: those of the service, of the framework for all adapters, or of one adapter. */
export interface SettingGroup {
  name: string
  /** What the names of their variables start with. */
  prefix?: string | undefined
  settings: SettingOrigin[]
}

/** What is known of the settings without starting anything. Secrets are in none of its texts. */
export interface SettingsSurvey {
  /** With any of these the service, or an adapter of it, does not start. */
  problems: string[]
  /** What is allowed, and most likely not meant so. */
  warnings: string[]
  groups: SettingGroup[]
  /** Adapters that run where they are set up, and are not. */
  unused: string[]
}

interface Found {
  name: string
  problems: string[]
  /** Absent where there is no such adapter, or its code cannot be loaded. */
  config?: AnyConfig
}

const lookAt = async (name: string, load: () => Promise<AnyAdapter>): Promise<Found> => {
  try {
    const adapter = await load()
    adapter.config.hideSecrets(name)
    return { name, config: adapter.config, problems: await settingsProblems(adapter) }
  } catch (error) {
    const config = configRefusedWith(error)
    config?.hideSecrets(name)
    return {
      name,
      problems: [...(problemsIn(error) ?? [`${name}: ${messageOf(error)}`])],
      ...(config && { config }),
    }
  }
}

const groupOf = ({ name, config }: Found): SettingGroup[] =>
  config === undefined
    ? []
    : [{ name, prefix: config.options?.envVarsPrefix, settings: settingOrigins(config) }]

/** What was set for one setting may be in another, too. */
const withoutSecrets = (group: SettingGroup): SettingGroup => ({
  ...group,
  settings: group.settings.map((one) => ({
    ...one,
    value: isSet(one) ? redactStrings(one.value) : one.value,
  })),
})

const isSet = ({ source }: SettingOrigin): boolean => source === 'environment' || source === 'file'

/** A survey without what is said twice, and without secrets. */
const survey = ({ problems, warnings, groups, unused }: SettingsSurvey): SettingsSurvey => ({
  problems: redactStrings([...new Set(problems)]),
  warnings: redactStrings([...new Set(warnings)]),
  groups: groups.map(withoutSecrets),
  unused,
})

const warningsOf = (found: readonly Found[]): string[] =>
  found.flatMap(({ config }) => (config?.settings === undefined ? [] : settingsWarnings(config.settings)))

/** Of the adapter that a module exports, which runs in a process of its own. */
export const surveyOfModule = async (file: string): Promise<SettingsSurvey> => {
  const found = await lookAt(file, () => adapterIn(file))
  const { config } = found
  return survey({
    problems: found.problems,
    warnings: [...warningsOf([found]), ...(config ? uselessVariables(new Map([[file, config]]), []) : [])],
    groups: groupOf(found),
    unused: [],
  })
}

const lookAtAdapter = (name: string): Promise<Found> => {
  const all = [...availableAdapters().keys()]
  return all.includes(name)
    ? lookAt(name, () => loadAdapter(name))
    : Promise.resolve({
        name,
        problems: [`ADAPTERS: There is no adapter "${name}". There are ${all.join(', ')}`],
      })
}

/** Those of the service itself, and of the framework without any adapter. */
const plainProblems = async (server: AnyConfig): Promise<string[]> => {
  const problems = [
    ...(await linesOf(() => readServiceSettings())),
    ...(await linesOf(() => server.initialize())),
    ...(await linesOf(() => server.settings !== undefined && server.validate())),
  ]
  const hasWorkers = problems.length === 0 && readServiceSettings().workers > 1
  return hasWorkers && server.settings.CACHE_TYPE !== 'local' ? [...problems, NEEDS_LOCAL_CACHE] : problems
}

/** Of the service and all adapters that it would run. */
export const surveyOfService = async (): Promise<SettingsSurvey> => {
  const server: AnyConfig = emptyConfig()
  const plain = await plainProblems(server)
  const chosen = adaptersNamed()
  const looks = await Promise.all(wantedNames({ adapters: chosen }).map(lookAtAdapter))
  const isUsed = ({ config, problems }: Found) =>
    problems.length === 0 || isMeant(config && { config }, chosen.length > 0)
  const used = looks.filter(isUsed)
  const configs = used.flatMap(({ name, config }) => (config ? [{ name, adapter: { config } }] : []))
  server.hideSecrets('framework')
  return survey({
    problems: [...plain, ...used.flatMap(({ problems }) => problems)],
    warnings: [...warningsOf([{ name: '', problems: [], config: server }, ...used]), ...doubtsOf(configs)],
    groups: [
      { name: 'service', settings: plainOrigins(ServiceSettingsDefinition) },
      { name: 'framework', settings: settingOrigins(server) },
      ...used.flatMap(groupOf),
    ],
    unused: looks.filter((one) => !isUsed(one)).map(({ name }) => name),
  })
}
