import { cacheSettings } from './base-settings-cache'
import { providerSettings } from './base-settings-provider'
import { serviceSettings } from './base-settings-service'

/** The 66 settings every adapter has, whatever it declares itself (contract 7.2). Times are in milliseconds. */
export const BaseSettingsDefinition = { ...serviceSettings, ...cacheSettings, ...providerSettings } as const

/** The type of the table of settings every adapter has. */
export type BaseSettingsDefinitionType = typeof BaseSettingsDefinition
