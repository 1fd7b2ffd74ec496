import { type AnyConfig } from './adapter-config'
import { type EnvSource, envSource, parseEnv } from './env'
import { EnvGetter } from './env-getter'
import { isDeclaredSecret, isSensitive } from './sensitive'
import { settingProblem } from './setting-problem'
import { type SettingDefinition, type SettingsDefinitionMap, type ValidSettingValue } from './setting-types'
import { safeValue } from './settings-list'

/** What a setting is, as its definition says; what two versions may have otherwise. */
export interface SettingMeaning {
  type: string
  description: string
  required: boolean
  /** Whether its value is a secret. */
  sensitive: boolean
  /** Those of an enum. */
  options?: readonly string[] | undefined
  /** What else its value has to be, in words: its range, for example. */
  rule?: string | undefined
}

/** What a setting is, and why. */
export interface SettingOrigin {
  name: string
  /** The variable that it was read from, or else the one that it can be set by. */
  variable: string
  /** The environment, a file that a variable names, the adapter's own default for a setting of the framework, or the definition. */
  source: 'environment' | 'file' | 'adapter' | 'default'
  /** Secrets redacted. Of a value that is refused it is the text that was set. */
  value: unknown
  /** That of the definition. */
  default: unknown
  /** Whether the value is another than that default. */
  isDifferent: boolean
  meaning: SettingMeaning
}

type Value = ValidSettingValue | null | undefined

/** The text where the value is refused: what became of it would tell less. */
const asSet = (definition: SettingDefinition, value: Value, { variable, text }: EnvSource): Value =>
  text !== undefined &&
  (definition.type === 'enum' || settingProblem(variable, definition, value, text) !== undefined)
    ? text
    : value

const meaningOf = (name: string, definition: SettingDefinition): SettingMeaning => {
  const { type, description, required = false, options, validate } = definition
  const rule = validate?.meta.details
  return { type, description, required, sensitive: isSensitive(name, definition), options, rule }
}

const originOf = (
  name: string,
  definition: SettingDefinition,
  value: Value,
  source: EnvSource,
  own?: unknown,
): SettingOrigin => {
  const shown = asSet(definition, value, source)
  const fallback = own === undefined ? 'default' : 'adapter'
  const isSet = source.text !== undefined || source.problem !== undefined
  return {
    name,
    variable: source.variable,
    source: !isSet ? fallback : source.isFile ? 'file' : 'environment',
    value: safeValue(name, shown ?? undefined, isSensitive(name, definition)),
    default: safeValue(name, definition.default, isDeclaredSecret(name, definition)),
    isDifferent: (shown ?? '') !== (definition.default ?? ''),
    meaning: meaningOf(name, definition),
  }
}

/** Those of an adapter, initialized or refused: the framework's, and its own. */
export const settingOrigins = (config: AnyConfig): SettingOrigin[] => {
  const overrides: Record<string, unknown> = config.options?.envDefaultOverrides ?? {}
  return config.definitions().flatMap(([name, definition]) => {
    const value = config.value(name)
    if (!(value instanceof EnvGetter))
      return [originOf(name, definition, value, config.sourceOf(name), overrides[name])]
    return value
      .entries()
      .map((entry) => originOf(entry.settingName, definition, entry.value, value.sourceOf(entry)))
  })
}

/** Those that belong to no adapter. */
export const plainOrigins = (definitions: SettingsDefinitionMap): SettingOrigin[] =>
  Object.entries(definitions).map(([name, definition]) => {
    const source = envSource(name)
    const value = parseEnv(source.text, name, definition) ?? definition.default
    return originOf(name, definition, value, source)
  })
