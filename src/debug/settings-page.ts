export { settingsPage as default } from '../http/debug'
