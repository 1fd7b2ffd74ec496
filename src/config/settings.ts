import { BaseSettingsDefinition, type BaseSettingsDefinitionType } from './base-settings'
import { getEnv } from './env'
import { EnvGetter } from './env-getter'
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

/**
 * Reads all settings from the environment. The value is that of the variable; else, for settings that every adapter has, the adapter's own
 * default; else the default of the definition (contract 7.1).
 *
 * @throws Error for a custom setting with the name of a base setting, an unsupported name, or a bad enum value
 */
export const buildAdapterSettings = <
  CustomSettings extends CustomSettingsDefinition<CustomSettings> = EmptySettingsDefinitionMap,
>({
  overrides,
  customSettings = {},
  envVarsPrefix,
  envVarsFallback,
}: {
  overrides?: Partial<BaseAdapterSettings>
  customSettings?: SettingsDefinitionMap
  envVarsPrefix?: string
  envVarsFallback?: boolean
}): AdapterSettings<CustomSettings> => {
  const settings: Record<string, unknown> = {}
  const defaults: Record<string, ValidSettingValue | undefined> = overrides ?? {}
  for (const [name, definition] of Object.entries<SettingDefinition>(BaseSettingsDefinition)) {
    settings[name] =
      getEnv(name, definition, envVarsPrefix, envVarsFallback) ?? defaults[name] ?? definition.default
  }
  for (const [name, definition] of Object.entries(customSettings)) {
    if (Object.hasOwn(BaseSettingsDefinition, name)) {
      throw new Error(
        `Custom env var "${name}" declared, but a base framework env var with that name already exists.`,
      )
    }
    settings[name] = getEnvOrEnvGetter(name, definition, envVarsPrefix, envVarsFallback)
  }
  // A copy in one piece: an object that has grown member by member is a slow one to read, and these are read for each message.
  return { ...settings } as AdapterSettings<CustomSettings>
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
