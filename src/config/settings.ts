import { BaseSettingsDefinition, type BaseSettingsDefinitionType } from './base-settings'
import { type EnvSource, envSource, getEnv, parseEnv } from './env'
import { EnvGetter } from './env-getter'
import { fileVariable } from './secret-file'
import { isSensitive } from './sensitive'
import {
  type CustomSettingsDefinition,
  type EmptySettingsDefinitionMap,
  type Getter,
  type IsVariable,
  type SettingDefinition,
  type Settings,
  type SettingsDefinitionMap,
  type ValidSettingValue,
} from './setting-types'

export { getEnv, parseEnv } from './env'
export type * from './setting-types'

/** The values of the settings that every adapter has. */
export type BaseAdapterSettings = Settings<BaseSettingsDefinitionType>

/** The settings of an adapter that declares no settings of its own. */
export type EmptyCustomSettings = BaseAdapterSettings

// This member does not exist at run time. It makes the type check refuse hand-made objects where an adapter's settings are expected.
type SettingsObjectSpecifier = { __reserved_settings: never }

/** The settings of an adapter: its own, and those that every adapter has. */
export type AdapterSettings<T extends CustomSettingsDefinition<T> = object> = Settings<T> &
  BaseAdapterSettings &
  SettingsObjectSpecifier

/** The settings of any adapter. */
export type GenericConfigStructure = BaseAdapterSettings & SettingsObjectSpecifier

/** What to read from the environment, and how. */
export interface WhatToRead {
  overrides?: Partial<BaseAdapterSettings> | undefined
  customSettings?: SettingsDefinitionMap
  envVarsPrefix?: string | undefined
  envVarsFallback?: boolean | undefined
}

/** The source of each setting in the environment, by its name. */
export type EnvSources = ReadonlyMap<string, EnvSource>

/** All definitions: those of the framework, and those of an adapter. */
export const definitionsWith = (customSettings: SettingsDefinitionMap): [string, SettingDefinition][] => [
  ...Object.entries<SettingDefinition>(BaseSettingsDefinition),
  ...Object.entries<SettingDefinition>(customSettings),
]

/**
 * Looks up where each setting gets its value, once for all that is asked of it. Of settings with a `variablePlaceholder` it is meaningless.
 *
 * @throws Error for an unsupported name
 */
export const readSources = ({
  customSettings = {},
  envVarsPrefix,
  envVarsFallback,
}: WhatToRead): EnvSources =>
  new Map(
    definitionsWith(customSettings).map(([name, definition]) => {
      const mayBeFile = mayBeInFile(name, definition, customSettings)
      return [name, envSource(name, { prefix: envVarsPrefix, fallBack: envVarsFallback, mayBeFile })]
    }),
  )

/** Whether a file may have the value. An adapter may have a setting of its own with the name that the file's variable would have. */
export const mayBeInFile = (
  name: string,
  definition: SettingDefinition,
  customSettings: SettingsDefinitionMap = {},
): boolean => isSensitive(name, definition) && !Object.hasOwn(customSettings, fileVariable(name))

/**
 * Reads all settings from the environment. The value is that of the variable; else, for settings that every adapter has, the adapter's own
 * default; else the default of the definition (contract 7.1).
 *
 * @throws Error for a custom setting with the name of a base setting, an unsupported name, or a bad enum value
 */
export const buildAdapterSettings = <
  CustomSettings extends CustomSettingsDefinition<CustomSettings> = EmptySettingsDefinitionMap,
>(
  what: WhatToRead,
): AdapterSettings<CustomSettings> => settingsFrom(what, readSources(what))

/** The same, from sources that were looked up before. */
export const settingsFrom = <
  CustomSettings extends CustomSettingsDefinition<CustomSettings> = EmptySettingsDefinitionMap,
>(
  what: WhatToRead,
  sources: EnvSources,
): AdapterSettings<CustomSettings> => {
  const settings: Record<string, unknown> = {}
  const { overrides, customSettings = {} } = what
  const defaults: Record<string, ValidSettingValue | undefined> = overrides ?? {}
  for (const [name, definition] of Object.entries<SettingDefinition>(BaseSettingsDefinition))
    settings[name] = valueFrom(name, definition, what, sources) ?? defaults[name] ?? definition.default
  for (const [name, definition] of Object.entries(customSettings)) {
    if (Object.hasOwn(BaseSettingsDefinition, name)) {
      throw new Error(
        `Custom env var "${name}" declared, but a base framework env var with that name already exists.`,
      )
    }
    settings[name] = valueFrom(name, definition, what, sources) ?? definition.default
  }
  // A copy in one piece: an object that has grown member by member is a slow one to read, and these are read for each message.
  return { ...settings } as AdapterSettings<CustomSettings>
}

/**
 * What the environment has for a setting, without defaults; null if it has nothing.
 *
 * @throws Error for a bad enum value, or a placeholder that is not in the name
 */
export const valueFrom = (
  name: string,
  definition: SettingDefinition,
  { customSettings, envVarsPrefix: prefix = '', envVarsFallback: fallBack }: WhatToRead,
  sources: EnvSources,
): EnvGetter | ValidSettingValue | null => {
  if (isVariable(definition)) {
    const mayBeFile = mayBeInFile(name, definition, customSettings)
    return new EnvGetter(name, definition, prefix, fallBack, mayBeFile)
  }
  const { variable = name, text } = sources.get(name) ?? {}
  return parseEnv(text, variable, definition)
}

/**
 * The value of a setting from the environment, or else its default. For a setting with a `variablePlaceholder` it is a getter.
 *
 * @throws Error for an unsupported name, a bad enum value, or a placeholder that is not in the name
 */
export const getEnvOrEnvGetter = (
  name: string,
  settingsDefinition: SettingDefinition,
  prefix = '',
  fallBack = false,
): ValidSettingValue | undefined | Getter<ValidSettingValue | undefined> =>
  isVariable(settingsDefinition)
    ? new EnvGetter(name, settingsDefinition, prefix, fallBack)
    : (getEnv(name, settingsDefinition, prefix, fallBack) ?? settingsDefinition.default)

const isVariable = (definition: SettingDefinition): definition is SettingDefinition & IsVariable =>
  definition.variablePlaceholder !== undefined
