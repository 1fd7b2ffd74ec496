import { isSensitive, redacted } from './sensitive'
import { type SettingDefinition, type ValidSettingValue } from './setting-types'

const supportedName = /^[_a-z0-9]+$/i

/**
 * The environment variable of a setting, prefix included.
 *
 * @throws Error if the name has other characters than letters, digits and underscores (contract 7.1)
 */
export const envVarName = (name: string, prefix = ''): string => {
  const fullName = prefix ? `${prefix}_${name}` : name
  if (!supportedName.test(fullName)) {
    throw new Error(
      `Invalid environment var name: ${fullName}. Only '${String(supportedName)}' is supported.`,
    )
  }
  return fullName
}

/** The text of a setting in the environment, undefined if it is unset there (contract 7.1). */
export const readEnv = (name: string, prefix = '', fallBack = false): string | undefined => {
  const text = process.env[envVarName(name, prefix)]
  if (!isUnset(text)) return text
  return prefix && fallBack ? readEnv(name) : undefined
}

// A pair of quotes is what `NAME=""` becomes in env files whose reader does not strip quotes.
const isUnset = (text: string | undefined) => text === undefined || text === '' || text === '""'

/**
 * The value that a text from the environment stands for, null if it counts as unset (contract 7.1). A text that is no
 * number becomes NaN, which `AdapterConfig.validate` reports together with all other problems.
 *
 * @throws Error if the setting is an enum and the text none of its options
 */
export const parseEnv = (
  value: string | undefined,
  name: string,
  settingsDefinition: SettingDefinition,
): ValidSettingValue | null => {
  if (value === undefined || isUnset(value)) return null
  switch (settingsDefinition.type) {
    case 'string':
      return value
    case 'number':
      return value.trim() === '' ? NaN : Number(value)
    case 'boolean':
      return value.toLowerCase() === 'true'
    case 'enum':
      return parseEnum(value, name, settingsDefinition)
  }
}

const parseEnum = (value: string, name: string, definition: SettingDefinition & { type: 'enum' }) => {
  if (definition.options.includes(value)) return value
  const shown = isSensitive(name, definition) ? redacted(name) : value
  throw new Error(
    `Env var "${name}" has value "${shown}" which is not included in the valid options (${definition.options.join()})`,
  )
}

/**
 * A setting's value in the environment, null if it is unset there; defaults are not looked at.
 *
 * @param prefix - the variable read is `<prefix>_<name>`
 * @param fallBack - whether the variable without the prefix counts where the one with it is unset
 * @throws Error for an unsupported name or a value that is none of an enum's options
 */
export const getEnv = (
  name: string,
  settingsDefinition: SettingDefinition,
  prefix = '',
  fallBack = false,
): ValidSettingValue | null => parseEnv(readEnv(name, prefix, fallBack), name, settingsDefinition)
