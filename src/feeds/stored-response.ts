import { CensorList, redactStrings } from '../util/redaction'
import { answerStatusOf, isAnswer, textOf, unholdable, withRefusedStatus } from './answerable'
import { isPlainlyHoldable } from './holdable'
import {
  type AdapterResponse,
  type AdapterResponseMeta,
  type ResponseGenerics,
  type TimestampedAdapterResponse,
} from './responses'

/** Whether it has a value and no further members. Nearly all responses are so. */
const isPlainValue = (response: object): boolean => {
  for (const name in response) if (name !== 'result' && name !== 'data' && name !== 'timestamps') return false
  return true
}

/**
 * A response as it is stored: without secrets, with a status, and with the feed's meta where metrics are on. In place of a response that
 * cannot be written as JSON, or has an impossible status, an error is stored that says so (contract 8.5); so it never replaces a live value
 * (17.4).
 */
export const storedResponse = <R extends ResponseGenerics>(
  response: TimestampedAdapterResponse<R>,
  meta: AdapterResponseMeta | undefined,
): AdapterResponse<R> => {
  try {
    return plainly(response, meta) ?? asItIs(response, meta)
  } catch {
    // A getter or a `toJSON` of the response throws.
    return withMeta(unholdable(response), meta)
  }
}

/**
 * A new object, so that the handler's own is not changed. Its members are written one by one, because objects of the same shape are fast to
 * use. Undefined where the response is not a plain value.
 */
const plainly = <R extends ResponseGenerics>(
  response: TimestampedAdapterResponse<R>,
  meta: AdapterResponseMeta | undefined,
): AdapterResponse<R> | undefined => {
  const { result, timestamps } = response
  if (typeof result !== 'number' || !isPlainValue(response)) return undefined
  if (!isPlainlyHoldable(response.data) || !isPlainlyHoldable(timestamps)) return undefined
  const data = CensorList.getAll().length > 0 ? redactStrings(response.data) : response.data
  return meta === undefined
    ? { result, data, timestamps, statusCode: 200 }
    : { result, data, timestamps, statusCode: 200, meta }
}

/** For a response of any shape: whether it can be stored is found out by writing it as JSON. */
const asItIs = <R extends ResponseGenerics>(
  response: TimestampedAdapterResponse<R>,
  meta: AdapterResponseMeta | undefined,
): AdapterResponse<R> => {
  const given = 'toJSON' in response ? whatJsonMakesOf(response) : response
  const clean = given !== undefined && CensorList.getAll().length > 0 ? redactStrings(given) : given
  if (clean === undefined || !isHoldable(clean)) return withMeta(unholdable(response), meta)
  const statusCode = answerStatusOf(clean)
  if (statusCode === undefined) return withMeta(withRefusedStatus(clean), meta)
  return withMeta({ ...clean, statusCode }, meta)
}

/** For a response that is ready to be stored: the same object, or an error where it cannot be sent to clients (contract 8.5). */
export const storable = <R extends ResponseGenerics>(response: AdapterResponse<R>): AdapterResponse<R> => {
  try {
    if (!isHoldable(response)) return withMeta(unholdable(response), response.meta)
    return answerStatusOf(response) === undefined
      ? withMeta(withRefusedStatus(response), response.meta)
      : response
  } catch {
    return withMeta(unholdable(response), undefined)
  }
}

const isHoldable = (response: object): boolean => isPlainlyHoldable(response) || isAnswer(textOf(response))

/** For a response with `toJSON`: what that returns, as plain data. Undefined where that is no answer. */
const whatJsonMakesOf = <R>(response: R): R | undefined => {
  const text = textOf(response)
  return isAnswer(text) ? (JSON.parse(text) as R) : undefined
}

const withMeta = <R extends ResponseGenerics>(
  response: object,
  meta: AdapterResponseMeta | undefined,
): AdapterResponse<R> => (meta === undefined ? response : { ...response, meta }) as AdapterResponse<R>
