import { type ErrorCode } from './error-codes'

/** What Node calls the failures of a connection, and which of our codes they have. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'CONNECTION_REFUSED',
  ENOTFOUND: 'HOST_NOT_FOUND',
  EAI_AGAIN: 'HOST_NOT_FOUND',
  ETIMEDOUT: 'CONNECTION_TIMEOUT',
  CERT_HAS_EXPIRED: 'TLS_FAILED',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS_FAILED',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS_FAILED',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS_FAILED',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS_FAILED',
}

interface NodeError {
  code?: unknown
  cause?: unknown
  errors?: unknown
}

/** Where a host has several addresses Node tries each, and makes one error of theirs that has no words of its own. */
const partsOf = (error: unknown): unknown[] => {
  const { errors, cause } = (error ?? {}) as NodeError
  if (Array.isArray(errors)) return errors
  return cause === undefined ? [] : partsOf(cause)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What each address of a host said, if it has several; undefined for all other errors. */
export const textOfParts = (error: unknown): string | undefined => {
  const parts = partsOf(error)
  return parts.length === 0 ? undefined : parts.map(messageOf).join('; ')
}

/** What an error of a connection says, in words that are never empty because a host has several addresses. */
export const networkText = (error: unknown): string => textOfParts(error) ?? messageOf(error)

/** Which of our codes an error of Node has, its own or that of a part; undefined for one that is not of the network. */
export const networkCode = (
  error: unknown,
  further: Readonly<Record<string, ErrorCode>> = {},
): ErrorCode | undefined => {
  for (const one of [error, ...partsOf(error)]) {
    const { code } = (one ?? {}) as NodeError
    const known = typeof code === 'string' ? (CODES[code] ?? further[code]) : undefined
    if (known !== undefined) return known
  }
  return undefined
}
