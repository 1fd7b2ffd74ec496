import { memberOf } from '../util/objects'
import { isAnswerStatus, isRefusedStatus, refusedStatus, STATUS_OF_REFUSED } from '../validation/status-code'
import { type ResponseTimestamps } from '../validation/timestamps'
import { type AdapterResponse, type TimestampedProviderErrorResponse } from './responses'

/** contract 8.5: the message in place of a response that cannot be written as JSON. */
const UNHOLDABLE = 'Response could not be censored due to an error'

/** A response as it is sent to a client. */
export interface Rendered {
  statusCode: number
  body: string
}

/** The status of a response; 200 where it has none. Undefined where the status that it has cannot be sent in an HTTP answer. */
export const answerStatusOf = (response: unknown): number | undefined => {
  const said = memberOf(response, 'statusCode')
  const status = said === undefined ? 200 : said
  return isAnswerStatus(status) ? status : undefined
}

type StatusSaid = Pick<Readonly<AdapterResponse>, 'errorMessage' | 'timestamps'>

/** The error in place of a response whose status code cannot be sent in an HTTP answer. */
export const withRefusedStatus = (response: StatusSaid): TimestampedProviderErrorResponse => {
  const { errorMessage, timestamps } = response
  const statusCode = memberOf(response, 'statusCode')
  return { errorMessage: refusedStatus(statusCode, errorMessage), statusCode: STATUS_OF_REFUSED, timestamps }
}

/** The error in place of a response that cannot be written as JSON. */
export const unholdable = (response: unknown): TimestampedProviderErrorResponse => ({
  errorMessage: UNHOLDABLE,
  statusCode: STATUS_OF_REFUSED,
  timestamps: timesOf(response),
})

/** Whether an error's text is one of these two: no word of the provider's, and no cause that its author knows. */
export const isOfOurs = (text: string): boolean => text === UNHOLDABLE || isRefusedStatus(text)

/** The JSON text of an answer; undefined where there is none, or writing it throws. */
export const textOf = (response: unknown): string | undefined => {
  try {
    const text: string | undefined = JSON.stringify(response)
    return text
  } catch {
    return undefined
  }
}

/** An answer that can be sent: with a body and a fitting status, even if an author, a store or another process made a bad response. */
export const rendered = (response: Readonly<AdapterResponse>): Rendered => {
  const status = answerStatusOf(response)
  const body = textOf(status === undefined ? withRefusedStatus(response) : response)
  if (body !== undefined) return { statusCode: status ?? STATUS_OF_REFUSED, body }
  return { statusCode: STATUS_OF_REFUSED, body: JSON.stringify(unholdable(response)) }
}

/** Those times of a response that can be read and are times. */
const timesOf = (response: unknown): ResponseTimestamps => {
  const time = (name: string): number | undefined => {
    try {
      const value = memberOf(memberOf(response, 'timestamps'), name)
      return typeof value === 'number' ? value : undefined
    } catch {
      return undefined
    }
  }
  const times = {
    providerDataReceivedUnixMs: time('providerDataReceivedUnixMs') ?? 0,
    providerIndicatedTimeUnixMs: time('providerIndicatedTimeUnixMs'),
  }
  const established = time('providerDataStreamEstablishedUnixMs')
  if (established !== undefined) return { providerDataStreamEstablishedUnixMs: established, ...times }
  return { providerDataRequestedUnixMs: time('providerDataRequestedUnixMs') ?? 0, ...times }
}

/** Whether the JSON text of a response is an answer, that is, an object. */
export const isAnswer = (text: string | undefined): text is string => text?.startsWith('{') === true
