import { AdapterConfig, type AdapterConfigOptions, type AnyConfig } from '../../src/config/adapter-config'
import { ConfigError } from '../../src/config/config-error'
import { type SettingsDefinitionMap } from '../../src/config/settings'

export const initialized = <T extends SettingsDefinitionMap>(
  definition = {} as T,
  options?: AdapterConfigOptions,
): AdapterConfig<T> => {
  const config = new AdapterConfig(definition, options)
  config.initialize()
  return config
}

/** What `validate` says of a config, a line each. */
export const problemsOf = (config: AnyConfig): readonly string[] => {
  try {
    config.validate()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}
