/** The work is in http/status. */
export { addStatusRoute as default, type StatusResponse } from '../../http/status'
