import { isSensitive } from './sensitive'
import { type SettingsDefinitionMap, type ValidSettingValue } from './setting-types'

/** One row of a settings table, for the generators of the env example and the documentation. */
export type SettingReferenceRow = {
  name: string
  type: string
  default: ValidSettingValue | undefined
  required: boolean
  /** Whether the value is kept out of logs, pages and errors. */
  sensitive: boolean
  description: string
  /** The values of an enum. */
  options: readonly string[] | undefined
  /** Smallest value accepted, where the validator says so. */
  min: number | undefined
  /** Largest value accepted, where the validator says so. */
  max: number | undefined
}

/** The rows for a map of definitions, in its order. */
export const settingsReference = (definitions: SettingsDefinitionMap): SettingReferenceRow[] =>
  Object.entries(definitions).map(([name, definition]) => ({
    name,
    type: definition.type,
    default: definition.default,
    required: definition.required ?? false,
    sensitive: isSensitive(name, definition),
    description: definition.description,
    options: definition.options,
    min: definition.validate?.meta.min,
    max: definition.validate?.meta.max,
  }))
