export { addSettingsRoutes as default } from '../http/debug'
