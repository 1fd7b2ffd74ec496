import { isTrue } from '../util/boolean-text'
import { ConfigError, refusal } from './config-error'
import { fileVariable, readSecretFile } from './secret-file'
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
  /** Undefined if the variable is unset (contract 7.1), and for a file that cannot be used. */
  text: string | undefined
  /** Whether the variable names a file that the text is in. */
  isFile?: boolean
  /** Why the file cannot be used. */
  problem?: string | undefined
}

/** Where a setting may be read from. */
export interface EnvPlace {
  /** The variable read is `<prefix>_<name>`. */
  prefix?: string | undefined
  /** Whether the variable without the prefix is used where the one with it is unset. */
  fallBack?: boolean | undefined
  /** Whether the value may be in a file, which `<variable>_FILE` names. */
  mayBeFile?: boolean | undefined
}

/** Finds the environment variable from which a setting gets its value (contract 7.1). */
export const envSource = (
  name: string,
  { prefix = '', fallBack = false, mayBeFile = false }: EnvPlace = {},
): EnvSource => {
  const variable = envVarName(name, prefix)
  const found = sourceAt(variable, mayBeFile)
  if (found !== undefined) return found
  const bare = prefix && fallBack ? sourceAt(envVarName(name), mayBeFile) : undefined
  return bare ?? { variable, text: undefined }
}

const sourceAt = (variable: string, mayBeFile: boolean): EnvSource | undefined => {
  const text = process.env[variable]
  const path = mayBeFile ? process.env[fileVariable(variable)] : undefined
  if (isUnset(path)) return isUnset(text) ? undefined : { variable, text }
  const found = isUnset(text)
    ? readSecretFile(path)
    : { problem: `Value must not be set together with ${variable}. Remove one of the two` }
  const { text: inFile, problem }: { text?: string; problem?: string } = found
  return { variable: fileVariable(variable), isFile: true, text: inFile, problem }
}

// Readers of env files that do not remove quotes make two quote characters of `NAME=""`.
const isUnset = (text: string | undefined): text is undefined | '' | '""' =>
  text === undefined || text === '' || text === '""'

/** Whether the environment has a variable, and something in it. */
export const isVariableSet = (variable: string): boolean => !isUnset(process.env[variable])

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
  if (isUnset(value)) return null
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
 * A setting's value in the environment, null if it is unset there. Defaults are not used. A secret may be in a file, which `<variable>_FILE`
 * names.
 *
 * @param prefix - the variable read is `<prefix>_<name>`
 * @param fallBack - whether the variable without the prefix is used where the one with it is unset
 * @throws Error for an unsupported name or a value that is not one of an enum's options; ConfigError for a file that cannot be used
 */
export const getEnv = (
  name: string,
  settingsDefinition: SettingDefinition,
  prefix = '',
  fallBack = false,
): ValidSettingValue | null => {
  const mayBeFile = isSensitive(name, settingsDefinition)
  const { variable, text, problem } = envSource(name, { prefix, fallBack, mayBeFile })
  if (problem !== undefined) throw new ConfigError([`${variable}: ${problem}`])
  return parseEnv(text, variable, settingsDefinition)
}
