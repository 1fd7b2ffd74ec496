import { type AdapterSettings } from '../config/settings'
import { makeLogger } from '../util/logging'

const logger = makeLogger('Adapter')

const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576

/** Logs a warning for each setting that is allowed and not meant for production. */
export const warnOfSettings = (settings: AdapterSettings): void => {
  const { LOG_LEVEL, DEBUG, METRICS_ENABLED, MAX_PAYLOAD_SIZE_LIMIT } = settings
  if (/^(debug|trace)$/i.test(LOG_LEVEL))
    logger.warn(`LOG_LEVEL is "${LOG_LEVEL}": the log is long and may slow the service down`)
  if (DEBUG) logger.warn('DEBUG is on: error bodies show stack traces. Not for production')
  if (!METRICS_ENABLED) logger.warn('METRICS_ENABLED is false: nothing measures this service')
  if (MAX_PAYLOAD_SIZE_LIMIT !== DEFAULT_MAX_PAYLOAD_BYTES)
    logger.warn(
      `MAX_PAYLOAD_SIZE_LIMIT is ${MAX_PAYLOAD_SIZE_LIMIT} bytes instead of ${DEFAULT_MAX_PAYLOAD_BYTES}`,
    )
}
