import { type AdapterConfig, type AnyConfig } from './adapter-config'
import { EnvGetter } from './env-getter'
import { isDeclaredSecret, isSensitive, redacted, withoutCredentials } from './sensitive'
import { type SettingDefinitionDetails, type SettingsDefinitionMap } from './settings'

export type DebugPageSetting = SettingDefinitionDetails & { name: string; value: unknown }

const isThere = (value: unknown): boolean => value !== undefined && value !== ''

/** A value as it may be shown. Of a public one the credentials in a URL are secrets all the same (SC-4). */
export const safeValue = (name: string, value: unknown, isSecret: boolean): unknown => {
  if (isSecret) return isThere(value) ? redacted(name) : value
  return typeof value === 'string' ? withoutCredentials(name, value) : value
}

/** What the code gives may have come from anywhere, so that it may be a secret, too, where one is declared. */
const safeDetails = (name: string, details: SettingDefinitionDetails): SettingDefinitionDetails => {
  const isSecret = isDeclaredSecret(name, details)
  const [usual, envDefaultOverride] = [details.default, details.envDefaultOverride].map((value) =>
    safeValue(name, value, isSecret),
  )
  return { ...details, default: usual, envDefaultOverride }
}

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
      list.push({ ...safeDetails(name, details), name: label, value: safeValue(label, shown, isSecret) })
    if (value instanceof EnvGetter) for (const entry of value.entries()) show(entry.envVarName, entry.value)
    else show(name, value)
  }
  return list.sort((a, b) => a.name.localeCompare(b.name))
}

/** The same, with the default that applies to this adapter: its own, where it has one for a setting of the framework. */
export const withOwnDefaults = (list: readonly DebugPageSetting[]): DebugPageSetting[] =>
  list.map((one) =>
    one.envDefaultOverride === undefined ? one : { ...one, default: one.envDefaultOverride },
  )
