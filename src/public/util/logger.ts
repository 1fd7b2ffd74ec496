/** The work is in http/correlation and util/logging and util/redaction. */
export { loggingContextMiddleware } from '../../http/correlation'
export {
  asyncLocalStorage,
  colorFactory,
  COLORS,
  LoggerFactoryProvider,
  makeLogger,
  type LoggerFactory,
  type Store,
} from '../../util/logging'
export { censor, censorLogs } from '../../util/redaction'
