import { providerTime, type TimeUnit } from '../../../../src/util/provider-time'
import { type ConnectorEvent } from '../..'

export { type TimeUnit }

const readers = {
  s: providerTime('s'),
  ms: providerTime('ms'),
  us: providerTime('us'),
  ns: providerTime('ns'),
  iso: providerTime('iso'),
} as const satisfies Record<TimeUnit, unknown>

/**
 * A provider's own time in whole ms, cut; exact for every number that the codec kept exactly. Undefined for a value whose kind or size
 * does not fit its unit (TM-5): a unit is never guessed.
 */
export const eventTime = (value: ConnectorEvent['value'], unit: TimeUnit): number | undefined => {
  const unixMs = readers[unit](value)
  return Number.isNaN(unixMs) ? undefined : unixMs
}
