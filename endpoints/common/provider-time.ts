import { isAhead } from '../../src/public/cache'
import { zonedTimeReader } from '../../src/public/util'

/** No provider here is older. What lies before is a filler such as 1970 or the year 1. */
const EARLIEST_UNIX_MS = Date.UTC(2010, 0)

const readTime = zonedTimeReader()

/**
 * A provider's own time in whole ms, truncated; undefined when it is none: a filler, or more than five seconds ahead of our clock
 * (TM-5).
 *
 * @param now - when the message arrived
 */
export const timeFromUnixMs = (value: unknown, now: number): number | undefined => {
  if (typeof value !== 'number') return undefined
  const unixMs = Math.trunc(value)
  return unixMs >= EARLIEST_UNIX_MS && !isAhead(unixMs, now) ? unixMs : undefined
}

/** The same from ISO 8601 text with a zone, with any number of fractional digits. */
export const timeFromIso = (value: unknown, now: number): number | undefined =>
  timeFromUnixMs(readTime(value), now)
