/** The work is in validation/weekend. */
export { isWeekendNow, parseWeekendString } from '../../validation/weekend'
