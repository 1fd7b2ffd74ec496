/** The work is in config/settings-list. */
export { buildSettingsList, type DebugPageSetting } from '../../config/settings-list'
