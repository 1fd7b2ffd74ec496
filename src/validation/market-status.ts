export { isWeekendNow, parseWeekendString } from './weekend'
