import { CensorList, redactStrings } from '../util/redaction'
import { answerStatusOf, isAnswer, textOf, unholdable, withRefusedStatus } from './answerable'
import { isPlainlyHoldable } from './holdable'
import {
  type AdapterResponse,
  type AdapterResponseMeta,
  type ResponseGenerics,
  type TimestampedAdapterResponse,
} from './responses'

/** A good value with nothing beside it: what nearly all messages come to. */
const isPlainValue = (response: object): boolean => {
  for (const name in response) if (name !== 'result' && name !== 'data' && name !== 'timestamps') return false
  return true
}

/**
 * A response as it is stored: without secrets, with a status, and with the feed's meta where metrics are on. What JSON cannot hold, or
 * names a status that no answer has, is stored as an error that says so (contract 8.5), and so never replaces a live value (17.4).
 */
export const storedResponse = <R extends ResponseGenerics>(
  response: TimestampedAdapterResponse<R>,
  meta: AdapterResponseMeta | undefined,
): AdapterResponse<R> => {
  try {
    return plainly(response, meta) ?? asItIs(response, meta)
  } catch {
    // What cannot even be read: a getter, or a `toJSON`, that throws.
    return withMeta(unholdable(response), meta)
  }
}

/**
 * A new object, so that handlers keep theirs; written out member by member, because one shape for all values is what makes the rest of
 * the way fast. Undefined for whatever is not a plain value.
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

/** Of whatever shape: JSON itself says whether it can hold it. */
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

/** A response that somebody made ready to be stored: the same object, unless it cannot be answered with (contract 8.5). */
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

/** What a response says that tells JSON itself what it is; undefined when that is no answer. */
const whatJsonMakesOf = <R>(response: R): R | undefined => {
  const text = textOf(response)
  return isAnswer(text) ? (JSON.parse(text) as R) : undefined
}

const withMeta = <R extends ResponseGenerics>(
  response: object,
  meta: AdapterResponseMeta | undefined,
): AdapterResponse<R> => (meta === undefined ? response : { ...response, meta }) as AdapterResponse<R>
