import { memberOf } from '../util/objects'
import { isAnswerStatus, refusedStatus, STATUS_OF_REFUSED } from '../validation/status-code'
import { type ResponseTimestamps } from '../validation/timestamps'
import { type AdapterResponse, type TimestampedProviderErrorResponse } from './responses'

/** contract 8.5: what is said of a response that JSON cannot hold. */
const UNHOLDABLE = 'Response could not be censored due to an error'

/** A response as it goes over the wire. */
export interface Rendered {
  statusCode: number
  body: string
}

/** The status of a response, 200 unless it says another; undefined where what it says cannot be one of an answer. */
export const answerStatusOf = (response: unknown): number | undefined => {
  const said = memberOf(response, 'statusCode')
  const status = said === undefined ? 200 : said
  return isAnswerStatus(status) ? status : undefined
}

type StatusSaid = Pick<Readonly<AdapterResponse>, 'errorMessage' | 'timestamps'>

/** The error that takes the place of a response whose status code cannot be one of an answer. */
export const withRefusedStatus = (response: StatusSaid): TimestampedProviderErrorResponse => {
  const { errorMessage, timestamps } = response
  const statusCode = memberOf(response, 'statusCode')
  return { errorMessage: refusedStatus(statusCode, errorMessage), statusCode: STATUS_OF_REFUSED, timestamps }
}

/** The error that takes the place of a response that JSON cannot hold. */
export const unholdable = (response: unknown): TimestampedProviderErrorResponse => ({
  errorMessage: UNHOLDABLE,
  statusCode: STATUS_OF_REFUSED,
  timestamps: timesOf(response),
})

/** What JSON makes of an answer; undefined for what it cannot hold, or what comes to nothing. */
export const textOf = (response: unknown): string | undefined => {
  try {
    const text: string | undefined = JSON.stringify(response)
    return text
  } catch {
    return undefined
  }
}

/** An answer for the wire, with a body and a status that fits it, whatever an author, a store or another process made of it. */
export const rendered = (response: Readonly<AdapterResponse>): Rendered => {
  const status = answerStatusOf(response)
  const body = textOf(status === undefined ? withRefusedStatus(response) : response)
  if (body !== undefined) return { statusCode: status ?? STATUS_OF_REFUSED, body }
  return { statusCode: STATUS_OF_REFUSED, body: JSON.stringify(unholdable(response)) }
}

/** The times of a response, as far as they can be read and are times. */
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

/** Whether what JSON made of a response is an answer: an object. */
export const isAnswer = (text: string | undefined): text is string => text?.startsWith('{') === true
