import { type IncomingMessage } from 'node:http'
import type WebSocket from 'ws'
import { memberOf } from '../util/objects'
import { parseRetryAfter } from '../util/retry-after'

/** What of an answer's headers says when to come back. */
interface AnswerHeaders {
  'retry-after'?: string
  date?: string
}

/**
 * How long to wait by an answer's headers, in ms. A date is compared with that of the answer, where it has one, and not with our clock,
 * which may be wrong (TM-6).
 */
export const delayAskedFor = ({ 'retry-after': value, date = '' }: AnswerHeaders): number | undefined => {
  const theirNow = Date.parse(date)
  return parseRetryAfter(value, Number.isNaN(theirNow) ? Date.now() : theirNow)
}

/** The provider answered a handshake with an HTTP status that opens no connection. The message is the one of the `ws` package. */
export class HandshakeRefusal extends Error {
  /** @param retryAfterMs - how long the provider asked us to wait, if it did */
  constructor(
    readonly status: number,
    readonly retryAfterMs: number | undefined,
  ) {
    super(`Unexpected server response: ${status}`)
  }
}

/** The refusal that an error of ours was made of; undefined for all other errors. */
export const refusalOf = (error: unknown): HandshakeRefusal | undefined => {
  const cause = memberOf(error, 'cause')
  return cause instanceof HandshakeRefusal ? cause : undefined
}

/** Lets the error event of a socket whose handshake is refused carry what the answer says. Test doubles may not have `on`. */
export const readRefusal = (socket: WebSocket): void => {
  const double: Partial<WebSocket> = socket
  double.on?.('unexpected-response', (_request: unknown, response: IncomingMessage) => {
    const { statusCode = 0, headers } = response
    // Nobody reads the answer. Whoever hears of the error destroys the socket, and with it the answer.
    response.on('error', () => {})
    socket.emit('error', new HandshakeRefusal(statusCode, delayAskedFor(headers)))
  })
}
