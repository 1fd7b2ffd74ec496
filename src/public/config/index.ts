/** The work is in config/. */
export {
  AdapterConfig,
  type AdapterConfigOptions,
  type SettingsDefinitionFromConfig,
} from '../../config/adapter-config'
export { BaseSettingsDefinition, type BaseSettingsDefinitionType } from '../../config/base-settings'
export { ConfigError } from '../../config/config-error'
export { EnvGetter } from '../../config/env-getter'
export {
  type AdapterSettings,
  type BaseAdapterSettings,
  buildAdapterSettings,
  type CustomSettingsDefinition,
  type EmptyCustomSettings,
  type EmptySettingsDefinitionMap,
  type EnumSettingDefinition,
  type GenericConfigStructure,
  getEnv,
  getEnvOrEnvGetter,
  type Getter,
  type NonEnumSettingDefinition,
  parseEnv,
  type SettingDefinition,
  type SettingDefinitionBase,
  type SettingDefinitionDetails,
  type Settings,
  type SettingsDefinitionMap,
  type ValidationErrorMessage,
  type ValidSettingValue,
} from '../../config/settings'
