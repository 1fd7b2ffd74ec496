import { type AxiosError, type AxiosRequestConfig } from 'axios'
import { type ErrorCode } from '../validation/error-codes'
import { AdapterConnectionError, AdapterDataProviderError } from '../validation/errors'

/** The two moments that a request has. */
export interface RequestTimestamps {
  providerDataRequestedUnixMs: number
  providerDataReceivedUnixMs: number
}

const RETRIED_CLIENT_ERRORS = new Set([408, 425, 429])

/** RL-3: what the provider calls our fault will not be better for being repeated. */
export const isWorthRetrying = (status: number | undefined): boolean =>
  status === undefined || status < 400 || status >= 500 || RETRIED_CLIENT_ERRORS.has(status)

/** The status a provider answered with, if it did. */
export const statusOf = (error: unknown): number | undefined =>
  (error as Partial<AxiosError> | null)?.response?.status

/** The error of a failed request (contract 11). */
export const providerError = (
  error: unknown,
  config: AxiosRequestConfig,
  timestamps: RequestTimestamps,
): AdapterDataProviderError | AdapterConnectionError => {
  const response = (error as Partial<AxiosError> | null)?.response
  const fields = {
    statusCode: 502,
    name: 'Data Provider error',
    providerStatusCode: response?.status ?? 502,
    message: error instanceof Error ? error.message : String(error),
    cause: error,
    errorResponse: response?.data,
    url: config.url,
  }
  const times = { ...timestamps, providerIndicatedTimeUnixMs: undefined }
  return response === undefined
    ? new AdapterConnectionError(fields, times)
    : new AdapterDataProviderError(fields, times)
}

const CODES: Record<string, ErrorCode> = {
  ECONNREFUSED: 'CONNECTION_REFUSED',
  ENOTFOUND: 'HOST_NOT_FOUND',
  EAI_AGAIN: 'HOST_NOT_FOUND',
  ETIMEDOUT: 'CONNECTION_TIMEOUT',
  ECONNABORTED: 'CONNECTION_TIMEOUT',
  ECONNRESET: 'CONNECTION_CLOSED',
  EPIPE: 'CONNECTION_CLOSED',
  CERT_HAS_EXPIRED: 'TLS_FAILED',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS_FAILED',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS_FAILED',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS_FAILED',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS_FAILED',
  EPROTO: 'TLS_FAILED',
}

/** Why a request failed, in words that hold neither a URL nor a secret: clients may see them. */
export const describeFailure = (error: unknown): { code: ErrorCode; message: string } => {
  const status = statusOf(error)
  if (status === 429)
    return { code: 'RATE_LIMITED', message: 'The data provider answered with status 429: too many requests' }
  if (status !== undefined)
    return { code: 'REQUEST_FAILED', message: `The data provider answered with status ${status}` }
  const { code } = (error ?? {}) as { code?: unknown }
  const known = typeof code === 'string' ? CODES[code] : undefined
  if (known !== undefined)
    return { code: known, message: `The request to the data provider failed: ${String(code)}` }
  return { code: 'CONNECTION_FAILED', message: 'The request to the data provider failed without an answer' }
}
