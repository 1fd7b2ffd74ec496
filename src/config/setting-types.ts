import { type ValidationErrorMessage, type Validator } from '../validation/validators'

export { type ValidationErrorMessage }

/** The types of value that a setting can have. */
export type ValidSettingValue = string | number | boolean

/** The fields every setting definition has (contract 7.3). */
export type SettingDefinitionBase = {
  /** Shown in the reference tables and on the status page. */
  description: string
  /** Strings are secret unless this is false; other types are shown unless it is true. */
  sensitive?: boolean
  /** The adapter does not start without a value. */
  required?: boolean
} & (
  | { variablePlaceholder?: never }
  /** The part of the name that any text can replace: one setting is then read from many environment variables. */
  | { variablePlaceholder: string }
)

/** A setting whose value is parsed as the type that `TypeString` names. */
export type NonEnumSettingDefinition<TypeString, Type> = SettingDefinitionBase & {
  type: TypeString
  default?: Type
  validate?: Validator<Type>
  options?: never
}

/** A setting with a fixed list of values. */
export type EnumSettingDefinition = SettingDefinitionBase & {
  type: 'enum'
  default?: string
  validate?: Validator<string>
  options: readonly string[]
}

/** The definition of one setting. */
export type SettingDefinition =
  | NonEnumSettingDefinition<'string', string>
  | NonEnumSettingDefinition<'number', number>
  | NonEnumSettingDefinition<'boolean', boolean>
  | EnumSettingDefinition

/** Settings by name. */
export type SettingsDefinitionMap = Record<string, SettingDefinition>

/** The type constraint on an adapter's own settings. */
export type CustomSettingsDefinition<T = SettingsDefinitionMap> = Record<keyof T, SettingDefinition>

/** For an adapter without settings of its own. */
export type EmptySettingsDefinitionMap = Record<string, never>

type HasDefault = { default: ValidSettingValue }
type IsRequired = { required: true }
type IsOptional = { default?: never; required?: false; description: string }
/** A setting read from many environment variables. */
export type IsVariable = { variablePlaceholder: string }
type IsFixed = { variablePlaceholder?: never; description: string }

type KeysOfKind<T extends SettingsDefinitionMap, Kind> = {
  [K in keyof T]: T[K] extends Kind ? K : never
}[keyof T]

/** The type of a setting's value when it has one. For an enum it is the union of its options. */
export type SettingTypeWhenPresent<D extends SettingDefinition> = D['type'] extends 'string'
  ? string
  : D['type'] extends 'number'
    ? number
    : D['type'] extends 'boolean'
      ? boolean
      : D['options'] extends readonly string[]
        ? D['options'][number]
        : never

/** The type of a setting's value. It includes undefined unless the setting is required or has a default. */
export type SettingType<D extends SettingDefinition> = D extends HasDefault | IsRequired
  ? SettingTypeWhenPresent<D>
  : SettingTypeWhenPresent<D> | undefined

/** One environment variable that belongs to a variable setting. */
export type VariableEnvVarEntry<T extends ValidSettingValue> = {
  /** The name in the definition, with the placeholder. */
  settingKey: string
  /** The text that replaces the placeholder. */
  variable: string
  /** The name with the placeholder replaced. */
  settingName: string
  /** The name in the environment, with the prefix. */
  envVarName: string
  value: T
}

/** The value of a variable setting: finds values by the text that replaces the placeholder (contract 7.3). */
export interface Getter<T extends ValidSettingValue | undefined> {
  /** @throws AdapterError (status 500) if the setting is required and this variable has no value */
  get(variable: string): T
  /** The environment variable that {@link Getter.get} looks for. */
  getEnvVarName(variable: string): string
  /** All that was found in the environment when the settings were read. */
  entries(): VariableEnvVarEntry<Exclude<T, undefined>>[]
}

/** The values of a map of settings. */
export type Settings<T extends SettingsDefinitionMap> = {
  -readonly [K in Extract<KeysOfKind<T, IsFixed>, KeysOfKind<T, IsOptional>>]?:
    SettingTypeWhenPresent<T[K]> | undefined
} & {
  -readonly [
    K in Extract<KeysOfKind<T, IsFixed>, KeysOfKind<T, HasDefault | IsRequired>>
  ]: SettingTypeWhenPresent<T[K]>
} & {
  -readonly [K in KeysOfKind<T, IsVariable>]: Getter<SettingType<T[K]>>
}

/** What `/status` and the debug pages show about a setting, besides its value. */
export type SettingDefinitionDetails = {
  type: string
  description: string
  required: boolean
  /** The flag of the definition, undefined if it has none. */
  sensitive: boolean | undefined
  default: unknown
  /** True if the adapter declares it, false if the framework does. */
  customSetting: boolean
  /** The adapter's own default for a setting of the framework. */
  envDefaultOverride: unknown
}
