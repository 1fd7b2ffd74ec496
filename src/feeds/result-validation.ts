import { isObject } from '../util/objects'
import { type Refusals } from './refusals'
import { answered } from '../validation/reason'
import {
  type ProviderResultGenerics,
  type TimestampedProviderErrorResponse,
  type TimestampedProviderResult,
} from './responses'

/** Called with every result before it is written. Returns the result itself, or another one in its place (contract 18.2). */
export type ResultValidator<T extends ProviderResultGenerics> = (
  result: TimestampedProviderResult<T>,
) => TimestampedProviderResult<T>

/** The error for a result that a validator refuses: status 502, with the times of the result. */
export const refusedResult = <T extends ProviderResultGenerics>(
  { params, response: { timestamps } }: TimestampedProviderResult<T>,
  errorMessage: string,
): TimestampedProviderResult<T> => ({ params, response: { statusCode: 502, errorMessage, timestamps } })

/** IS-1: where the validator throws or returns no result, only that result is lost. What it replaces by an error is counted, too. */
export const validateResults = <T extends ProviderResultGenerics>(
  results: TimestampedProviderResult<T>[],
  validator: ResultValidator<T>,
  refusals: () => Refusals,
  givesReasons = false,
): TimestampedProviderResult<T>[] =>
  results.flatMap((given) => {
    try {
      const result = validated(given, validator)
      const { errorMessage } = result.response
      if (errorMessage === undefined || given.response.errorMessage !== undefined) return [result]
      refusals().add('invalid-result', () => ({ params: given.params, errorMessage }))
      return [givesReasons ? explained(result, errorMessage) : result]
    } catch (error) {
      refusals().add('handler-failed', () => 'a result that its validator failed at', error)
      return []
    }
  })

/** A validator is one more guard. */
const explained = <T extends ProviderResultGenerics>(
  { params, response }: TimestampedProviderResult<T>,
  message: string,
): TimestampedProviderResult<T> => {
  const reason = answered({ code: 'REFUSED_VALUE', message, sinceUnixMs: Date.now() })
  return { params, response: { ...(response as TimestampedProviderErrorResponse), reason } }
}

const validated = <T extends ProviderResultGenerics>(
  given: TimestampedProviderResult<T>,
  validator: ResultValidator<T>,
): TimestampedProviderResult<T> => {
  const result: unknown = validator(given)
  // Nobody waits for the promise, and its rejection must not end the process.
  if (result instanceof Promise) result.catch(() => {})
  if (!isWhole<T>(result)) throw new TypeError('The validator returned no result')
  if (isObject(result.response.timestamps)) return result
  return { ...result, response: { ...result.response, timestamps: given.response.timestamps } }
}

const isWhole = <T extends ProviderResultGenerics>(result: unknown): result is TimestampedProviderResult<T> =>
  isObject(result) && isObject(result.params) && isObject(result.response)
