/** How a time of RFC 3339 may be written. Protocols differ in this. */
export interface TimeForm {
  /** Whether `t` and `z` are accepted for `T` and `Z`. Default: they are not. */
  lowerCase?: boolean
  /** Whether the seconds may be left out. Default: they may not. */
  optionalSeconds?: boolean
  /** The fewest and the most digits of a fraction of a second. Default 0 to 9. */
  fractionDigits?: readonly [fewest: number, most: number]
  /** Whether an offset such as `+01:00` may stand in place of `Z`. Default: it may. */
  offset?: boolean
  /** Whether 30 February means 2 March (1 March in a leap year) and 24:00 the next midnight, as for `Date.parse`. Default: neither does. */
  carriesDays?: boolean
  /** Years before this are refused. Default 0. */
  firstYear?: number
}

const NS_PER_MS = 1_000_000n

const patternOf = ({
  lowerCase,
  optionalSeconds,
  fractionDigits: [fewest, most] = [0, 9],
  offset = true,
}: TimeForm): RegExp => {
  const fraction = `(?:\\.\\d{${Math.max(fewest, 1)},${most}})${fewest === 0 ? '?' : ''}`
  const seconds = `(?::\\d\\d${fraction})${optionalSeconds ? '?' : ''}`
  const zone = offset ? '(?:Z|[+-]\\d\\d:\\d\\d)' : 'Z'
  return new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d${seconds}${zone}$`, lowerCase ? 'i' : '')
}

/** Whether the hour is below 24, and the month has such a day. */
const isOnCalendar = (text: string): boolean =>
  text.slice(11, 13) !== '24' && new Date(text.slice(0, 10)).getUTCDate() === Number(text.slice(8, 10))

/** Unix ms of text whose form has been checked. A leap second (`:60`) is refused. */
const unixMsOf = (text: string, { carriesDays, firstYear = 0 }: TimeForm): number | undefined => {
  const unixMs = Date.parse(text.toUpperCase())
  if (Number.isNaN(unixMs) || Number(text.slice(0, 4)) < firstYear) return undefined
  return carriesDays || isOnCalendar(text) ? unixMs : undefined
}

/** Makes a reader of RFC 3339 times of one form. It returns Unix ms, without parts of a millisecond; undefined for everything else. */
export const timeReader = (form: TimeForm): ((value: unknown) => number | undefined) => {
  const pattern = patternOf(form)
  return (value) => (typeof value === 'string' && pattern.test(value) ? unixMsOf(value, form) : undefined)
}

/** The same in Unix ns, with all digits of the fraction. */
export const nanosecondReader = (form: TimeForm): ((value: unknown) => bigint | undefined) => {
  const pattern = patternOf(form)
  return (value) => {
    if (typeof value !== 'string' || !pattern.test(value)) return undefined
    const fraction = /\.\d+/.exec(value)?.[0] ?? ''
    const unixMs = unixMsOf(value.replace(fraction, ''), form)
    return unixMs === undefined
      ? undefined
      : BigInt(unixMs) * NS_PER_MS + BigInt(fraction.slice(1).padEnd(9, '0'))
  }
}

/** V8 reads a fraction of ten digits or more wrongly when it begins with a zero: it takes .0009999999 for 9 ms. */
const LONG_FRACTION = /(\.\d{9})\d+/

/** What a text must be like before `Date.parse` may read it. */
export interface ZonedForm {
  /** Whether the text must begin with `2026-11-22T`. Default: a `T` in its last line is enough. */
  dateFirst?: boolean
  /** Default: any number. */
  maxCharacters?: number
}

const ZONE = '(?:Z|[+-]\\d{2}:?\\d{2})'
const DATE_FIRST = new RegExp(`^\\d{4}-\\d{2}-\\d{2}T.+${ZONE}$`)
/** Looks from the first T of the last line on only. To look from every T would take quadratic time for a text of many T's. */
const ANY_DATE = new RegExp(`^(?:[^]*[\\n\\r\\u2028\\u2029])?[^T\\n\\r\\u2028\\u2029]*T.+${ZONE}$`)

/**
 * Makes a reader for times of which only ISO 8601 is certain. It returns the Unix ms of whatever `Date.parse` reads, if the text ends
 * in a zone: text without one would be read as local time. Digits of a fraction beyond the ms are cut off. Undefined for everything
 * else.
 */
export const zonedTimeReader = ({ dateFirst = false, maxCharacters = Infinity }: ZonedForm = {}) => {
  const pattern = dateFirst ? DATE_FIRST : ANY_DATE
  return (value: unknown): number | undefined => {
    if (typeof value !== 'string' || value.length > maxCharacters || !pattern.test(value)) return undefined
    const unixMs = Date.parse(value.replace(LONG_FRACTION, '$1'))
    return Number.isNaN(unixMs) ? undefined : unixMs
  }
}
