/** The work is in http/debug. */
export { addSettingsRoutes as default } from '../../http/debug'
