/** The work is in adapter/adapter. */
export { Adapter } from '../../adapter/adapter'
