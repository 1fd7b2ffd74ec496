import { type Reason, type ReasonAnswer, type ReasonClass } from './error-answer'
import { type ErrorCode } from './error-codes'

export { type Reason, type ReasonAnswer, type ReasonClass }

const classes: Record<ErrorCode, ReasonClass> = {
  CONNECTION_REFUSED: 'network',
  CONNECTION_TIMEOUT: 'timeout',
  CONNECTION_CLOSED: 'network',
  CONNECTION_FAILED: 'network',
  HOST_NOT_FOUND: 'network',
  TLS_FAILED: 'network',
  PROXY_FAILED: 'network',
  PROXY_REFUSED: 'auth',
  HANDSHAKE_REFUSED: 'provider',
  OPEN_HANDLER_FAILED: 'internal',
  UNRESPONSIVE: 'timeout',
  SUBSCRIBE_FAILED: 'symbol',
  SUBSCRIPTION_LIMIT: 'quota',
  UNANSWERED: 'timeout',
  NO_DATA: 'provider',
  SUSPECTED: 'poison',
  QUARANTINED: 'poison',
  SILENT: 'provider',
  URL_FAILED: 'internal',
  REQUEST_FAILED: 'provider',
  HOST_FAILING: 'provider',
  PREPARE_FAILED: 'internal',
  PARSE_FAILED: 'decode',
  RATE_LIMITED: 'quota',
  PROVIDER_ERROR: 'provider',
  REFUSED_VALUE: 'guard',
  STALE_VALUE: 'stale',
  NO_DATA_YET: 'starting',
  STARTING: 'starting',
  CAPACITY: 'capacity',
  NO_PEER: 'network',
  LISTEN_FAILED: 'internal',
  MESSAGES_REFUSED: 'guard',
  SIGNER_KEY_UNKNOWN: 'auth',
  KEY_EXPIRED: 'auth',
  CONNECTION_STRING_REFUSED: 'internal',
  REALM_FAILED: 'provider',
  ROOM_FULL: 'capacity',
  CREDENTIAL_REFUSED: 'auth',
  CREDENTIAL_FAILED: 'network',
  LOGIN_REFUSED: 'auth',
  LOGIN_TIMEOUT: 'timeout',
  CHALLENGE_REFUSED: 'provider',
  PROTOCOL_VIOLATED: 'provider',
  REPLACED: 'provider',
  WRITER_DOWN: 'internal',
  WRITER_SILENT: 'internal',
}

const isKnown = (code: string): code is ErrorCode => Object.hasOwn(classes, code)

/** The class of a reason. A code that an author made up counts as the provider's. */
export const classOf = ({ code, class: own }: Pick<Reason, 'code' | 'class'>): ReasonClass =>
  own ?? (isKnown(code) ? classes[code] : 'provider')

/** What an HTTP status of the provider says of the cause; undefined where it says no more than that the provider failed. */
export const classOfStatus = (status: unknown): ReasonClass | undefined => {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return 'auth'
    case 402:
    case 429:
      return 'quota'
    case 404:
    case 410:
      return 'symbol'
    case 408:
    case 504:
      return 'timeout'
    default:
      return undefined
  }
}

/** What a provider's own words say of the cause, where they name no symbol and come with no status: a guess, and only where it is plain. */
export const classOfWords = (words: string): ReasonClass | undefined => {
  if (/rate.?limit|too many|quota|throttl|exceeded/i.test(words)) return 'quota'
  return /auth|api.?key|credential|permission|forbidden|log.?in/i.test(words) ? 'auth' : undefined
}

/** A reason as clients get it: with its class, and with times in whole milliseconds. */
export const answered = (reason: Reason): ReasonAnswer => {
  const { code, message, sinceUnixMs, nextAttemptUnixMs } = reason
  return {
    code,
    class: classOf(reason),
    message,
    sinceUnixMs: Math.round(sinceUnixMs),
    ...(nextAttemptUnixMs !== undefined && { nextAttemptUnixMs: Math.round(nextAttemptUnixMs) }),
  }
}

/** Causes that the next attempt is not expected to end: somebody has to start, correct or allow something first. */
const LASTING: ReadonlySet<string> = new Set<ErrorCode>([
  'CONNECTION_REFUSED',
  'HOST_NOT_FOUND',
  'TLS_FAILED',
  'URL_FAILED',
  'PREPARE_FAILED',
  'QUARANTINED',
  'CREDENTIAL_REFUSED',
])

/** Whether what is wrong will most likely be so at the next attempt, too. */
export const isLasting = ({ code }: Reason): boolean => LASTING.has(code)

/** Whether a reason says that something is wrong, and not only that it is too early to tell. */
export const isTrouble = (reason: Reason | undefined): reason is Reason =>
  reason !== undefined && reason.code !== 'NO_DATA_YET' && reason.code !== 'STARTING'

/**
 * A reason with what is wrong now. If something was wrong before, it keeps the time since when that was so.
 *
 * @param before - what was wrong until now, if anything was
 */
export const goingOn = (
  before: Reason | undefined,
  { code, message, nextAttemptUnixMs, class: own }: Omit<Reason, 'sinceUnixMs'>,
  nowUnixMs = Date.now(),
): Reason => {
  const sinceUnixMs = before?.sinceUnixMs ?? nowUnixMs
  return {
    code,
    message,
    sinceUnixMs,
    ...(nextAttemptUnixMs === undefined ? {} : { nextAttemptUnixMs: Math.round(nextAttemptUnixMs) }),
    ...(own === undefined ? {} : { class: own }),
  }
}
