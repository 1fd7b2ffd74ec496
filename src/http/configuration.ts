import { type AnyAdapter } from '../adapter/adapter'
import { type DebugPageSetting, settingsList, withOwnDefaults } from '../config/settings-list'

/** The settings of an adapter, as its pages show them. Tests on the contract's harness compare them whole, with the framework's defaults. */
export const configurationOf = ({ config, givesReasons }: AnyAdapter): DebugPageSetting[] =>
  givesReasons ? withOwnDefaults(settingsList(config)) : settingsList(config)
