import { beginningOf } from '../util/redaction'

/** Statuses of answers that have no body, or one that nobody reads. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/** What an answer gets whose own status code was refused. */
export const STATUS_OF_REFUSED = 502

const MAX_SHOWN_CHARACTERS = 20

/**
 * Whether a status code can be that of an answer with a body. One below 200 announces an answer that is still to come, so that the
 * client would take the next one on the connection for it.
 */
export const isAnswerStatus = (statusCode: unknown): statusCode is number =>
  statusCode === 200 ||
  (typeof statusCode === 'number' &&
    Number.isInteger(statusCode) &&
    statusCode > 200 &&
    statusCode <= 599 &&
    !WITHOUT_BODY.has(statusCode))

const REFUSED = 'was refused: an answer has one from 200 to 599, and not 204, 205 or 304'

const shown = (statusCode: unknown): string => {
  if (typeof statusCode === 'string') return JSON.stringify(beginningOf(statusCode, MAX_SHOWN_CHARACTERS, ''))
  if (typeof statusCode === 'object' && statusCode !== null) return 'that is an object'
  return typeof statusCode === 'function' ? 'that is a function' : String(statusCode)
}

/** What an answer says instead, after what it had to say. */
export const refusedStatus = (statusCode: unknown, message: unknown): string => {
  const refusal = `status code ${shown(statusCode)} ${REFUSED}`
  return typeof message === 'string' && message !== '' ? `${message} (${refusal})` : refusal
}

/** Whether a text is {@link refusedStatus} of an answer that had nothing else to say. */
export const isRefusedStatus = (text: string): boolean =>
  text.startsWith('status code ') && text.endsWith(REFUSED)
