import { type Reason } from '../validation/reason'
import { memberOf, messageOf } from '../util/objects'

type Trouble = Pick<Reason, 'code' | 'message' | 'class'>

/** What axios says of a body that its connection does not bring to its end. It has no code of its own. */
const CUT_MESSAGE = 'stream has been aborted'

const CUT_CODES: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
])

/** Of Node's zlib: gzip and deflate; brotli, with its errors that begin `ERR__ERROR_FORMAT_`; zstd. And of its HTTP parser. */
const UNREADABLE = /^(?:Z_|ERR_BROTLI|ERR__ERROR_|ERR_ZSTD|ZSTD_|HPE_)/

/** Axios gives this code to answers with a 5xx as well as to those that it cannot read. */
const BAD_RESPONSE = 'ERR_BAD_RESPONSE'

/** Of axios, where an answer is longer than `maxContentLength`. */
const TOO_LARGE = /^maxContentLength size of \d+ exceeded$/

/** Whether an answer could not be read because it is longer than it may be. */
export const isTooLarge = (error: unknown): boolean => TOO_LARGE.test(messageOf(error))

const isSuccess = (status: unknown): boolean => typeof status === 'number' && status >= 200 && status < 300

const isCut = (error: unknown): boolean =>
  messageOf(error) === CUT_MESSAGE || CUT_CODES.has(memberOf(error, 'code'))

/** Whether an answer came, and its body was cut off or is not what its headers say. Those of tests are plain objects: they have no such code. */
const isBroken = (error: unknown): boolean => {
  const code = memberOf(error, 'code')
  if (typeof code === 'string' && UNREADABLE.test(code)) return true
  const response = memberOf(error, 'response') ?? undefined
  if (response === undefined) return code === BAD_RESPONSE
  const isSyntaxError = memberOf(memberOf(error, 'cause'), 'name') === 'SyntaxError'
  if (memberOf(response, 'data') !== undefined)
    return isSyntaxError && isSuccess(memberOf(response, 'status'))
  return isCut(error)
}

/** What was wrong with the body of an answer, as words that follow its name; undefined when nothing was. */
export const bodyTrouble = (error: unknown): string | undefined => {
  if (!isBroken(error)) return undefined
  return `${isCut(error) ? 'was cut off' : 'could not be read'}: ${messageOf(error)}`
}

/**
 * Why a request has no whole answer, although one came and has no error status; undefined for every other failure. The text is of Node
 * or axios, and holds neither a URL nor a secret.
 */
export const brokenAnswer = (error: unknown): Trouble | undefined => {
  const status = memberOf(memberOf(error, 'response'), 'status')
  if (status !== undefined && !isSuccess(status)) return undefined
  const trouble = bodyTrouble(error)
  if (trouble === undefined) return undefined
  const message = `The data provider's answer ${typeof status === 'number' ? `(status ${status}) ` : ''}${trouble}`
  return isCut(error)
    ? { code: 'CONNECTION_CLOSED', message }
    : { code: 'REQUEST_FAILED', message, class: 'decode' }
}

/**
 * Whether an answer that is said to be JSON is text that is none: axios hands that on as it is, also where a compressed body ends too early,
 * which it takes for the whole.
 */
export const isBrokenJson = (response: unknown): boolean => {
  if (typeof memberOf(response, 'data') !== 'string') return false
  try {
    return /[/+]json\b/i.test(String(memberOf(memberOf(response, 'headers'), 'content-type')))
  } catch {
    // contract 10.5: a requester of adapters' tests may give the data and nothing else.
    return false
  }
}
