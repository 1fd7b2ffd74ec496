export { addStatusRoute as default, type StatusResponse } from '../http/status'
