import { isSensitive } from './sensitive'
import { type SettingsDefinitionMap, type ValidSettingValue } from './setting-types'

/** One row of a settings table. The env example and the documentation are generated from such rows. */
export type SettingReferenceRow = {
  name: string
  type: string
  default: ValidSettingValue | undefined
  required: boolean
  /** Whether the value is hidden in logs, pages and errors. */
  sensitive: boolean
  description: string
  /** The values of an enum. */
  options: readonly string[] | undefined
  /** The smallest accepted value, where the validator gives one. */
  min: number | undefined
  /** The largest accepted value, where the validator gives one. */
  max: number | undefined
}

/** The rows for a map of definitions, in the order of the map. */
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
