import { cacheSettings } from './base-settings-cache'
import { providerSettings } from './base-settings-provider'
import { serviceSettings } from './base-settings-service'
import { valueSettings } from './base-settings-values'

/**
 * The settings that every adapter has in addition to its own: the 66 of contract 7.2, and those that only this framework has. Times are in
 * milliseconds.
 */
export const BaseSettingsDefinition = {
  ...serviceSettings,
  ...cacheSettings,
  ...providerSettings,
  ...valueSettings,
} as const

/** The type of the table of settings that every adapter has. */
export type BaseSettingsDefinitionType = typeof BaseSettingsDefinition
