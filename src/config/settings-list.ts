import { type AdapterConfig, type AnyConfig } from './adapter-config'
import { EnvGetter } from './env-getter'
import { isSensitive, redacted } from './sensitive'
import { type SettingDefinitionDetails, type SettingsDefinitionMap } from './settings'

export type DebugPageSetting = SettingDefinitionDetails & { name: string; value: unknown }

const isThere = (value: unknown): boolean => value !== undefined && value !== ''

/** The {@link settingsList} of an adapter. */
export const buildSettingsList = <T extends SettingsDefinitionMap>(adapter: {
  config: AdapterConfig<T>
}): DebugPageSetting[] => settingsList(adapter.config)

/** All settings of an adapter as status and debug pages show them: sorted by name, with secrets redacted (contract 6.8). */
export const settingsList = (config: AnyConfig): DebugPageSetting[] => {
  const list: DebugPageSetting[] = []
  for (const [name, value] of Object.entries<unknown>(config.settings)) {
    const details = config.getSettingDebugDetails(name)
    const isSecret = details.sensitive === true || (details.type === 'string' && isSensitive(name, details))
    const show = (label: string, shown: unknown) =>
      list.push({ ...details, name: label, value: isSecret && isThere(shown) ? redacted(label) : shown })
    if (value instanceof EnvGetter) for (const entry of value.entries()) show(entry.envVarName, entry.value)
    else show(name, value)
  }
  return list.sort((a, b) => a.name.localeCompare(b.name))
}
