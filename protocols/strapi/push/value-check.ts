import { decimalText, nearestDouble } from '../../../src/util/decimal'
import { timeReader } from '../../../src/util/rfc3339'
import { type Attribute } from './schemas'

/** SQL's own ranges; a biginteger has 64 bits. */
const MAX_INTEGER = 2_147_483_647
const MAX_BIGINTEGER = 9_223_372_036_854_775_807n
const MAX_TEXT_LENGTH = 255

const isDecimal = decimalText({ sign: '-', leadingZeros: true, point: 'anywhere', exponentDigits: Infinity })
const isInteger = decimalText({ sign: '-', leadingZeros: true, point: 'nowhere', maxDigits: 19 })
/** As Strapi itself writes it, in UTC: another form would be stored as it is, and not be found again. */
const readTime = timeReader({ fractionDigits: [3, 3], offset: false })

const isNumeric = (value: unknown): boolean =>
  typeof value === 'number'
    ? Number.isFinite(value)
    : isDecimal(value) && nearestDouble(value, 'zero') !== undefined

const isBiginteger = (value: unknown): boolean => {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (!isInteger(value)) return false
  const integer = BigInt(value)
  return integer <= MAX_BIGINTEGER && integer >= -MAX_BIGINTEGER
}

const isTime = (value: unknown): boolean => readTime(value) !== undefined

const isJson = (value: unknown): boolean => {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isShortText = (value: unknown): boolean => isText(value) && value.length <= MAX_TEXT_LENGTH

/** What fits into a column, by type of attribute. Types that are not here are not written: `password`, `media`, dynamic zones. */
const FITS: Readonly<Record<string, { what: string; fits: (value: unknown) => boolean }>> = {
  string: { what: `a string of at most ${MAX_TEXT_LENGTH} characters`, fits: isShortText },
  uid: { what: `a string of at most ${MAX_TEXT_LENGTH} characters`, fits: isShortText },
  email: { what: `a string of at most ${MAX_TEXT_LENGTH} characters`, fits: isShortText },
  text: { what: 'a string', fits: isText },
  richtext: { what: 'a string', fits: isText },
  decimal: { what: 'a finite number or a numeric string', fits: isNumeric },
  float: { what: 'a finite number or a numeric string', fits: isNumeric },
  integer: {
    what: 'a whole number of 32 bits',
    fits: (value) => Number.isInteger(value) && Math.abs(value as number) <= MAX_INTEGER,
  },
  biginteger: { what: 'a whole number of 64 bits, as a string', fits: isBiginteger },
  boolean: { what: 'true or false', fits: (value) => typeof value === 'boolean' },
  datetime: { what: 'an ISO 8601 time in UTC with milliseconds', fits: isTime },
  date: {
    what: 'a date such as 2025-06-01',
    fits: (value) => isText(value) && isTime(`${value}T00:00:00.000Z`),
  },
  time: {
    what: 'a time such as 12:00:00.000',
    fits: (value) => isText(value) && isTime(`2000-01-01T${value}Z`),
  },
  json: { what: 'something that JSON can hold', fits: isJson },
}

/** Why a value does not fit a scalar attribute, without the value; undefined when it does. Null fits all: `required` is another check. */
export const valueProblem = ({ type, values }: Attribute, value: unknown): string | undefined => {
  if (value === null) return undefined
  if (type === 'enumeration') {
    const isKnown = isText(value) && values?.includes(value)
    return isKnown ? undefined : 'must be one of the values of the enumeration'
  }
  const known = FITS[type]
  if (known === undefined) return `is of type ${type}, which is not written`
  return known.fits(value) ? undefined : `must be ${known.what}`
}
