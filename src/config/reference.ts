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
  /** Of a setting of the framework, the defaults of adapters that have one of their own. By their names. */
  ownDefaults?: ReadonlyMap<string, ValidSettingValue>
}

/** The settings that operators set first, in the order in which they think of them. All others are good as they are for most. */
export const MATTER_MOST: readonly string[] = [
  'ADAPTERS',
  'DEFAULT_ADAPTER',
  'EA_HOST',
  'EA_PORT',
  'BASE_URL',
  'WORKERS',
  'LOG_LEVEL',
  'METRICS_ENABLED',
  'METRICS_PORT',
  'ADMIN_PORT',
  'ADMIN_TOKEN',
  'STOP_DRAIN_MS',
  'CACHE_MAX_AGE',
  'FRESHNESS_MAX_AGE',
  'FEED_LIMITS',
  'READY_ESSENTIAL_FEEDS',
  'WS_SUBSCRIPTION_TTL',
  'WS_SUBSCRIPTION_UNRESPONSIVE_TTL',
  'RATE_LIMIT_API_TIER',
  'CACHE_TYPE',
]

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
