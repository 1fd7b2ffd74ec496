import { CensorList, redactStrings } from '../util/redaction'
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
 * A response as it is stored: without secrets, with a status, and with the feed's meta where metrics are on. A new object, so that
 * handlers keep theirs; written out member by member, because one shape for all values is what makes the rest of the way fast.
 */
export const storedResponse = <R extends ResponseGenerics>(
  response: TimestampedAdapterResponse<R>,
  meta: AdapterResponseMeta | undefined,
): AdapterResponse<R> => {
  const hasSecrets = CensorList.getAll().length > 0
  if (isPlainValue(response) && typeof response.result === 'number') {
    const { result, timestamps } = response
    const data = hasSecrets ? redactStrings(response.data) : response.data
    const stored =
      meta === undefined
        ? { result, data, timestamps, statusCode: 200 }
        : { result, data, timestamps, statusCode: 200, meta }
    return stored
  }
  const clean = hasSecrets ? redactStrings(response) : response
  const statusCode = (clean as { statusCode?: number }).statusCode || 200
  return { ...clean, statusCode, ...(meta === undefined ? {} : { meta }) } as AdapterResponse<R>
}
