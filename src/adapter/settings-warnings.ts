import { type AdapterSettings } from '../config/settings'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'

const logger = makeLogger('Adapter')

const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576

/** A line for each setting that is allowed and most likely not meant so. */
export const settingsWarnings = (settings: AdapterSettings): string[] => {
  const { LOG_LEVEL, DEBUG, METRICS_ENABLED, MAX_PAYLOAD_SIZE_LIMIT } = settings
  const lines: string[] = []
  if (/^(debug|trace)$/i.test(LOG_LEVEL))
    lines.push(`LOG_LEVEL is "${LOG_LEVEL}": the log is long and may slow the service down`)
  if (DEBUG) lines.push('DEBUG is on: error bodies show stack traces. Not for production')
  if (!METRICS_ENABLED) lines.push('METRICS_ENABLED is false: nothing measures this service')
  if (MAX_PAYLOAD_SIZE_LIMIT !== DEFAULT_MAX_PAYLOAD_BYTES)
    lines.push(
      `MAX_PAYLOAD_SIZE_LIMIT is ${MAX_PAYLOAD_SIZE_LIMIT} bytes instead of ${DEFAULT_MAX_PAYLOAD_BYTES}`,
    )
  return lines
}

/** Logs them. */
export const warnOfSettings = (settings: AdapterSettings): void => {
  for (const line of settingsWarnings(settings)) named(logger, settings).warn(line)
}
