import { memberOf } from '../util/objects'
import { type ErrorCode } from '../validation/error-codes'
import { AdapterConnectionError } from '../validation/errors'
import { classOfStatus, type Reason } from '../validation/reason'
import { HandshakeRefusal } from './handshake-refusal'
import { networkCode, networkText, textOfParts } from '../validation/network-error'

export { networkText }

/** What the status of a refused handshake says. */
const kindOf = (cause: unknown): Pick<Reason, 'class'> => {
  const kind = cause instanceof HandshakeRefusal ? classOfStatus(cause.status) : undefined
  return kind === undefined ? {} : { class: kind }
}

/** The constructor arguments for the error of a failed connection, for those failures that have their own class. */
export const connectionFailure = (
  code: ErrorCode,
  message: string,
  cause?: unknown,
): ConstructorParameters<typeof AdapterConnectionError> => [
  { statusCode: 502, message, cause, reason: { code, message, sinceUnixMs: Date.now(), ...kindOf(cause) } },
  { providerDataRequestedUnixMs: 0, providerDataReceivedUnixMs: 0, providerIndicatedTimeUnixMs: undefined },
]

/** The error of a failed connection. Clients see the message. */
export const connectionError = (code: ErrorCode, message: string, cause?: unknown): AdapterConnectionError =>
  new AdapterConnectionError(...connectionFailure(code, message, cause))

/** An error of Node, or an event that carries one. */
interface Failed {
  error?: unknown
  message?: string
}

/** Which of our error codes fits the failure. */
export const codeOf = ({ error, message }: Failed): ErrorCode => {
  const known = networkCode(error)
  if (known !== undefined) return known
  return message?.startsWith('Unexpected server response') ? 'HANDSHAKE_REFUSED' : 'CONNECTION_FAILED'
}

/** The text of the failure; where several addresses were tried, of each of them. */
export const textOf = ({ error, message }: Failed): string => textOfParts(error) ?? message ?? 'unknown'

export const couldNotConnect = (failed: Failed): AdapterConnectionError =>
  connectionError(codeOf(failed), `Could not connect: ${textOf(failed)}`, failed.error)

/** The error for a bad URL. The cause may quote the URL, which may hold a secret, so the message does not. */
export const noUrl = (cause: unknown): AdapterConnectionError =>
  connectionError('URL_FAILED', 'The URL is not one to connect to', cause)

export const transportStopped = (): AdapterConnectionError =>
  connectionError('CONNECTION_CLOSED', 'The transport stopped')

/** The reason that is given for a connection whose end has been announced. */
export const IS_CLOSING = {
  code: 'CONNECTION_CLOSED',
  message: 'The connection is being closed',
} as const satisfies Pick<Reason, 'code' | 'message'>

const isReason = (reason: unknown): reason is Reason => {
  return typeof memberOf(reason, 'code') === 'string' && typeof memberOf(reason, 'message') === 'string'
}

/** The reason that one of our errors gives to clients; undefined for any other error. */
export const reasonOf = (error: unknown): Reason | undefined => {
  const reason = memberOf(error, 'reason')
  return isReason(reason) ? reason : undefined
}
