import { zonedTimeReader } from './rfc3339'

/** How a provider writes its times: numbers or digits since 1970, or ISO 8601 text with a zone. */
export type TimeUnit = 's' | 'ms' | 'us' | 'ns' | 'iso'

/** Where the point of a number in the unit goes, to make it ms. */
const SHIFT = { s: 3, ms: 0, us: -3, ns: -6 } as const

/** Outside these years a time is in another unit than was declared, or a filler (TM-5). */
const FROM_UNIX_MS = Date.UTC(2000, 0)
const TO_UNIX_MS = Date.UTC(2100, 0)

/** Whether a time can be one in Unix ms, by its size alone. */
export const isUnixMs = (timeUnixMs: number): boolean => timeUnixMs >= FROM_UNIX_MS && timeUnixMs < TO_UNIX_MS

const DIGITS = /^(\d{1,20})(?:\.(\d{1,20}))?$/

/** By digits: a multiplication would lose what is at the end of them. */
const shifted = (value: unknown, places: number): number => {
  const isNumber = typeof value === 'number' || typeof value === 'bigint'
  const text = isNumber ? String(value) : typeof value === 'string' ? value : ''
  const [, whole = '', fraction = ''] = DIGITS.exec(text) ?? []
  const point = whole.length + places
  return point > 0 ? Number((whole + fraction).padEnd(point, '0').slice(0, point)) : NaN
}

/**
 * Makes a reader of a provider's own times of one declared unit (TM-5): whole Unix ms, with what is below them cut off.
 *
 * What is absent (undefined) has no time. What is there and cannot be a time of that unit (a filler such as 1970 or the year 1, text
 * without a zone, another unit, null) becomes NaN, which guards refuse by name: it is not "no time", because that would make an old value
 * new.
 *
 * @example
 * const timeOf = providerTime('iso')
 * const timestamps = { providerIndicatedTimeUnixMs: timeOf(message.time) }
 */
export const providerTime = (unit: TimeUnit): ((value: unknown) => number | undefined) => {
  const iso = zonedTimeReader()
  const read =
    unit === 'iso' ? (value: unknown) => iso(value) ?? NaN : (value: unknown) => shifted(value, SHIFT[unit])
  return (value) => {
    if (value === undefined) return undefined
    const unixMs = read(value)
    return isUnixMs(unixMs) ? unixMs : NaN
  }
}
