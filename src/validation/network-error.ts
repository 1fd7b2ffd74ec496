import { type ErrorCode } from './error-codes'

/** The codes of failed connections, Node's and those of our own way through a proxy, with our code for each. */
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
  PROXY_FAILED: 'PROXY_FAILED',
  PROXY_REFUSED: 'PROXY_REFUSED',
}

interface NodeError {
  code?: unknown
  cause?: unknown
  errors?: unknown
}

/** When a host has several addresses, Node tries each of them and puts their errors into one error, whose own message is empty. */
const partsOf = (error: unknown): unknown[] => {
  const { errors, cause } = (error ?? {}) as NodeError
  if (Array.isArray(errors)) return errors
  return cause === undefined ? [] : partsOf(cause)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The messages for all addresses of a host, if it has several; undefined for all other errors. */
export const textOfParts = (error: unknown): string | undefined => {
  const parts = partsOf(error)
  return parts.length === 0 ? undefined : parts.map(messageOf).join('; ')
}

/** The message of an error of a connection; for a host with several addresses, the messages for all of them. */
export const networkText = (error: unknown): string => textOfParts(error) ?? messageOf(error)

/** Our code for an error of Node, by its own code or that of one of its parts; undefined for an error that has no such code. */
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
