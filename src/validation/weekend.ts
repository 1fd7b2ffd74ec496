import { AdapterInputError } from './errors'

/** `DHH-DHH:TZ`: days from 0 (Sunday) to 6, hours from 00 to 23. */
const FORMAT = /^([0-6](?:[01][0-9]|2[0-3]))-([0-6](?:[01][0-9]|2[0-3])):(\S+)$/

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

const inputError = (message: string) => new AdapterInputError({ statusCode: 400, message })

const clockIn = (timeZone: string): Intl.DateTimeFormat => {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: '2-digit', hourCycle: 'h23' })
  } catch (error) {
    throw inputError(`timezone ${timeZone} in [Param: weekend] is not valid: ${String(error)}`)
  }
}

const parse = (weekend: string | undefined) => {
  const [, start, end, tz] = (typeof weekend === 'string' && FORMAT.exec(weekend)) || []
  if (start === undefined || end === undefined || tz === undefined)
    throw inputError('[Param: weekend] does not match format of DHH-DHH:TZ')
  return { start, end, tz, clock: clockIn(tz) }
}

/**
 * Reads `DHH-DHH:TZ`: the day (0 is Sunday) and hour at which the weekend begins, those at which it ends, and the zone that they are in.
 *
 * @example
 * parseWeekendString('520-020:America/New_York') // Friday 20:00 to Sunday 20:00: { start: '520', end: '020', tz: 'America/New_York' }
 * @throws AdapterInputError (status 400) for another format, and for a zone that is not known
 */
export const parseWeekendString = (weekend?: string): { start: string; end: string; tz: string } => {
  const { start, end, tz } = parse(weekend)
  return { start, end, tz }
}

/**
 * Whether it is weekend now: in the zone it is `start` or later, and not yet `end`. A range may go past Saturday into the next week; a
 * range that ends where it starts is the whole week.
 *
 * @throws AdapterInputError (status 400) as {@link parseWeekendString}
 */
export const isWeekendNow = (weekend?: string): boolean => {
  const { start, end, clock } = parse(weekend)
  const now = hourOfWeek(clock, Date.now())
  // All three have the same number of digits, so texts compare as numbers do.
  return start < end ? start <= now && now < end : start <= now || now < end
}

const hourOfWeek = (clock: Intl.DateTimeFormat, unixMs: number): string => {
  const parts = clock.formatToParts(unixMs)
  const part = (type: 'weekday' | 'hour') => parts.find((one) => one.type === type)!.value
  return `${DAYS.indexOf(part('weekday'))}${part('hour')}`
}
