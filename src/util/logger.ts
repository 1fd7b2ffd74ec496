export { loggingContextMiddleware } from '../http/correlation'
export {
  asyncLocalStorage,
  colorFactory,
  COLORS,
  LoggerFactoryProvider,
  makeLogger,
  type LoggerFactory,
  type Store,
} from './logging'
export { censor, censorLogs } from './redaction'
