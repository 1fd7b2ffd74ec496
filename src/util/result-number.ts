import { LoggerFactoryProvider, makeLogger } from './logging'
import { isObject } from './objects'
import { beginningOf } from './redaction'

const logger = makeLogger('ResultNumber')

const MAX_SHOWN_CHARACTERS = 100

/** Why a provider's word is no result, in the form that a handler's `response` may have. */
export interface ResultRefusal {
  statusCode: number
  errorMessage: string
}

export interface ResultNumberOptions {
  /** Whether zero is a result. Default true. */
  acceptZeroValue?: boolean
}

/**
 * The number that a provider's value is, or the error to answer with in its place (contract 18.1). Numbers and numeric text are judged as
 * they came, and everything else (null, booleans, lists, blank text, NaN, infinities) is refused before JavaScript makes a number of it.
 * Never throws; a refusal is one line at warn.
 *
 * @param errorMessage - what a refusal says
 * @example
 * const price = validateResultNumber(message.p, `No price for ${message.s}`)
 * if (isProviderError(price)) return [{ params, response: price }]
 * return [{ params, response: { result: price.result, data: price } }]
 */
export const validateResultNumber = (
  value: unknown,
  errorMessage: string,
  { acceptZeroValue = true }: ResultNumberOptions = {},
): { result: number } | ResultRefusal => {
  const result = numberOf(value)
  if (Number.isFinite(result) && (acceptZeroValue || result !== 0)) return { result }
  // A test of an adapter's parsing need not set up logging first.
  if (LoggerFactoryProvider.isSet) logger.warn({ received: shown(value) }, errorMessage)
  return { statusCode: 502, errorMessage }
}

/** Whether something is the error form of a response: a refusal, or a provider's own. */
export const isProviderError = (response: unknown): response is ResultRefusal =>
  isObject(response) && typeof response.errorMessage === 'string' && typeof response.statusCode === 'number'

const numberOf = (value: unknown): number => {
  if (typeof value === 'number') return value
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN
}

/** For the log, without asking an object for its text: it may have none, or a long one. */
const shown = (value: unknown): string => {
  if (Array.isArray(value)) return 'a list'
  if (isObject(value) || typeof value === 'function') return `a value of type ${typeof value}`
  return beginningOf(String(value), MAX_SHOWN_CHARACTERS, '')
}
