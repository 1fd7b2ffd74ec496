/** The work is in adapter/background-executor. */
export { callBackgroundExecutes } from '../adapter/background-executor'
