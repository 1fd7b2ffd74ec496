import { isTrue } from '../util/boolean-text'
import { refusal } from './config-error'
import { isSensitive, redacted } from './sensitive'
import { type SettingDefinition, type ValidSettingValue } from './setting-types'

const supportedName = /^[_a-z0-9]+$/i

/**
 * The environment variable of a setting, with its prefix.
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

/** The variable that was set for a setting, or else the one that can be set; and its text. */
export interface EnvSource {
  variable: string
  /** Undefined if the variable is unset (contract 7.1). */
  text: string | undefined
}

/** Finds the environment variable from which a setting gets its value (contract 7.1). */
export const envSource = (name: string, prefix = '', fallBack = false): EnvSource => {
  const variable = envVarName(name, prefix)
  const text = process.env[variable]
  if (!isUnset(text)) return { variable, text }
  const bare = prefix && fallBack ? envSource(name) : undefined
  return bare?.text === undefined ? { variable, text: undefined } : bare
}

// Readers of env files that do not remove quotes make two quote characters of `NAME=""`.
const isUnset = (text: string | undefined) => text === undefined || text === '' || text === '""'

/**
 * The value of a text from the environment; null if the text counts as unset (contract 7.1). A text that is not a number becomes NaN, and
 * one that is not a boolean becomes false: `AdapterConfig.validate` reports these together with all other problems.
 *
 * @throws Error if the setting is an enum and the text is not one of its options
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
      return isTrue(value)
    case 'enum':
      return parseEnum(value, name, settingsDefinition)
  }
}

const parseEnum = (value: string, name: string, definition: SettingDefinition & { type: 'enum' }) => {
  if (definition.options.includes(value)) return value
  const shown = isSensitive(name, definition) ? redacted(name) : value
  const problem = `Env var "${name}" has value "${shown}" which is not included in the valid options (${definition.options.join()})`
  throw refusal([{ variable: name, problem, isWhole: true }])
}

/**
 * A setting's value in the environment, null if it is unset there. Defaults are not used.
 *
 * @param prefix - the variable read is `<prefix>_<name>`
 * @param fallBack - whether the variable without the prefix is used where the one with it is unset
 * @throws Error for an unsupported name or a value that is not one of an enum's options
 */
export const getEnv = (
  name: string,
  settingsDefinition: SettingDefinition,
  prefix = '',
  fallBack = false,
): ValidSettingValue | null => {
  const { variable, text } = envSource(name, prefix, fallBack)
  return parseEnv(text, variable, settingsDefinition)
}
