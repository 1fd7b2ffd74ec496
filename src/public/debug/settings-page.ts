/** The work is in http/debug. */
export { settingsPage as default } from '../../http/debug'
