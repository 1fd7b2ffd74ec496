import { closeSync, openSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { CLOCK_TOLERANCE_MS, EARLIEST_TIME_UNIX_MS } from './timestamps'

/** What is wrong with a value, or undefined if nothing is. */
export type ValidationErrorMessage = string | undefined

/** What a validator accepts, for reference pages. */
export type ValidatorMeta = {
  /** Smallest value accepted. */
  min?: number
  /** Largest value accepted. */
  max?: number
  /** The rule in words. */
  details?: string
}

/** A rule for the value of a setting. */
export type Validator<V> = {
  meta: ValidatorMeta
  fn: (value?: V) => ValidationErrorMessage
}

/** Makes a validator from a parameter, optionally with an error text of the author's. */
export type ValidatorWithParams<P, V> = (param: P, customError?: string) => Validator<V>

type Range = { min?: number; max?: number }

const integer = (range: Range = {}): Validator<string | number> => ({
  meta: { ...range, details: ['Value must be an integer', ...rangeInWords(range)].join(', ') },
  fn: (value) => notAnInteger(value) ?? outOfRange(Number(value), range),
})

const positiveInteger = (): Validator<string | number> => ({
  meta: { details: 'Value must be an integer, not negative' },
  fn: (value) =>
    notAnInteger(value) ??
    (Number(value) < 0 ? `Value must be positive number, Received ${String(value)}` : undefined),
})

const port = () => integer({ min: 1, max: 65535 })

const url = ({ schemes }: { schemes?: readonly string[] } = {}): Validator<string> => {
  const rule = schemes && `Value must be a URL that starts with ${schemes.join(': or ')}:`
  return {
    meta: { details: rule ?? 'Value must be a valid URL' },
    fn: (value) => {
      if (!value) return undefined
      try {
        const { protocol } = new URL(value)
        return schemes?.includes(protocol.slice(0, -1)) === false ? `${rule}. Received ${value}` : undefined
      } catch (error) {
        return `Value must be valid URL. Received ${value}, error ${String(error)}`
      }
    },
  }
}

// What is more than a path to a router or in a URL: a parameter, a wildcard, a query, a fragment, white space.
const path = (): Validator<string> => ({
  meta: { details: 'Value must be a path that starts with /' },
  fn: (value) =>
    !value || /^\/[\w.~/%@+,;=!$&-]*$/.test(value)
      ? undefined
      : `Value must be a path that starts with /, without query or wildcard. Received ${value}`,
})

const file = (): Validator<string> => ({
  meta: { details: 'Value must be a file that can be read' },
  fn: (value) => {
    if (!value) return undefined
    try {
      closeSync(openSync(value, 'r'))
      return statSync(value).isFile() ? undefined : `Value must be a file. Received ${value}`
    } catch (error) {
      return `Value must be a file that can be read. Received ${value}, error ${String(error)}`
    }
  },
})

const host = (): Validator<string> => ({
  meta: { details: 'Value must be a valid IP address, or localhost' },
  fn: (value) =>
    value === 'localhost' || isIP(String(value)) !== 0
      ? undefined
      : `Value is not valid IP address. Received ${String(value)}`,
})

const base64 = (): Validator<string> => ({
  meta: { details: 'Value must be a valid base64 string' },
  fn: (value) => (isBase64(value) ? undefined : 'Value is not valid base64 string.'),
})

const responseTimestamp = () => integer({ min: EARLIEST_TIME_UNIX_MS, max: Date.now() + CLOCK_TOLERANCE_MS })

const compose = (validators: Validator<string | number>[]): Validator<number | string> => ({
  meta: {
    ...narrowestRange(validators.map(({ meta }) => meta)),
    details: validators
      .map(({ meta }) => meta.details)
      .filter(Boolean)
      .join(', '),
  },
  fn: (value) => {
    for (const { fn } of validators) {
      const problem = fn(value)
      if (problem) return problem
    }
    return undefined
  },
})

/**
 * The validators for settings (contract 7.3). Numbers are checked as numbers: the text `"5"` is not an integer.
 * `url` accepts an empty value, and can ask for schemes (`['ws', 'wss']`); `path` is one of URLs that begins with a slash, `file` one of files;
 * `responseTimestamp` accepts Unix milliseconds from 2018 to 50 ms after it was made.
 */
export const validator = {
  integer,
  positiveInteger,
  port,
  url,
  path,
  file,
  host,
  responseTimestamp,
  base64,
  compose,
}

const notAnInteger = (value: unknown): ValidationErrorMessage =>
  Number.isInteger(value)
    ? undefined
    : `Value must be an integer (no floating point)., Received ${typeof value} ${String(value)}`

const outOfRange = (value: number, { min, max }: Range): ValidationErrorMessage => {
  if (min !== undefined && value < min) return `Minimum allowed value is ${min}. Received ${value}`
  if (max !== undefined && value > max) return `Maximum allowed value is ${max}. Received ${value}`
  return undefined
}

const rangeInWords = ({ min, max }: Range) => [
  ...(min === undefined ? [] : [`at least ${min}`]),
  ...(max === undefined ? [] : [`at most ${max}`]),
]

const narrowestRange = (metas: readonly ValidatorMeta[]): Range => {
  const mins = metas.flatMap(({ min }) => min ?? [])
  const maxs = metas.flatMap(({ max }) => max ?? [])
  return {
    ...(mins.length > 0 ? { min: Math.max(...mins) } : {}),
    ...(maxs.length > 0 ? { max: Math.min(...maxs) } : {}),
  }
}

// Node ignores characters that it cannot decode. Only encoding the bytes again shows whether all of the text was base64.
const isBase64 = (value: unknown) =>
  typeof value === 'string' && value !== '' && Buffer.from(value, 'base64').toString('base64') === value
