export { buildSettingsList, type DebugPageSetting } from '../config/settings-list'
