import { memberOf } from '../util/objects'
import { type AxiosRequestConfig, type AxiosResponse } from 'axios'
import { brokenAnswer } from './broken-answer'
import { redirectRefusedIn } from '../util/redirects'
import { type ErrorCode } from '../validation/error-codes'
import { AdapterConnectionError, AdapterDataProviderError } from '../validation/errors'
import { classOfStatus, type Reason } from '../validation/reason'
import { proxyErrorIn } from '../util/tunnel'
import { networkCode, networkText, textOfParts } from '../validation/network-error'

/** When a request was sent, and when its answer or its failure came. */
export interface RequestTimestamps {
  providerDataRequestedUnixMs: number
  providerDataReceivedUnixMs: number
}

const RETRIED_CLIENT_ERRORS = new Set([408, 425, 429])

/** RL-3: a request that the provider refuses as wrong (4xx) is not repeated, because it would be refused again. */
export const isWorthRetrying = (status: number | undefined): boolean =>
  status === undefined || status < 400 || status >= 500 || RETRIED_CLIENT_ERRORS.has(status)

/** What a provider answers when it does not take a credential, which is none of a single request. */
const CREDENTIAL_REFUSALS = new Set([401, 403])

/**
 * RL-4: whether a request failed because of its host or its credential, and not for itself: others would fail as well. A host that cuts
 * off its answers fails, whatever status they begin with.
 *
 * @param renewsCredential - whether the caller gets another credential by itself
 */
export const isFailureOfHost = (error: unknown, renewsCredential = false): boolean => {
  const status = statusOf(error)
  if (status !== undefined && CREDENTIAL_REFUSALS.has(status)) return !renewsCredential
  return status === undefined || status >= 500 || brokenAnswer(error)?.code === 'CONNECTION_CLOSED'
}

type Answer = Partial<AxiosResponse<unknown, unknown>>

/** The provider's answer to a request that failed, if there was one. Only members are looked at: in tests such errors are plain objects. */
export const answerOf = (error: unknown): Answer | undefined => memberOf(error, 'response') ?? undefined

/** The status a provider answered with, if it did. */
export const statusOf = (error: unknown): number | undefined => answerOf(error)?.status

/** The status that the provider answered with, of an error that {@link providerError} made. */
export const providerStatusOf = (error: unknown): number | undefined => {
  const status = memberOf(error, 'providerStatusCode')
  return typeof status === 'number' ? status : undefined
}

/** The error of a failed request (contract 11). */
export const providerError = (
  error: unknown,
  config: AxiosRequestConfig,
  timestamps: RequestTimestamps,
): AdapterDataProviderError | AdapterConnectionError => {
  const response = answerOf(error)
  const fields = {
    statusCode: 502,
    name: 'Data Provider error',
    providerStatusCode: response?.status ?? 502,
    message: networkText(error),
    cause: error,
    errorResponse: response?.data,
    url: config.url,
  }
  const times = { ...timestamps, providerIndicatedTimeUnixMs: undefined }
  return response === undefined
    ? new AdapterConnectionError(fields, times)
    : new AdapterDataProviderError(fields, times)
}

/** The error of a request that was refused here because its host fails. */
export const neverSent = (message: string, reason: Reason | undefined): AdapterConnectionError =>
  new AdapterConnectionError(
    { statusCode: 502, name: 'Data Provider error', providerStatusCode: 502, message, reason },
    {
      providerDataRequestedUnixMs: 0,
      providerDataReceivedUnixMs: 0,
      providerIndicatedTimeUnixMs: undefined,
    },
  )

/** Further codes of Node that a failed request may have. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  ECONNABORTED: 'CONNECTION_TIMEOUT',
  ECONNRESET: 'CONNECTION_CLOSED',
  EPIPE: 'CONNECTION_CLOSED',
  EPROTO: 'TLS_FAILED',
}

const REFUSED_BY_PROXY = 'The proxy wants a credential, or another one than it got (status 407)'

const kindOf = (status: number): Pick<Reason, 'class'> => {
  const kind = classOfStatus(status)
  return kind === undefined ? {} : { class: kind }
}

/** Why a request failed. Clients may see the text, so it holds neither a URL nor a secret. */
export const describeFailure = (error: unknown): Pick<Reason, 'code' | 'message' | 'class'> => {
  const broken = brokenAnswer(error)
  if (broken !== undefined) return broken
  const proxyError = proxyErrorIn(error)
  if (proxyError !== undefined) return { code: proxyError.code, message: proxyError.message }
  const redirect = redirectRefusedIn(error)
  if (redirect !== undefined) return { code: 'REQUEST_FAILED', message: redirect.message }
  const status = statusOf(error)
  // A request to an `http:` host is one to the proxy itself. Of what it answers, this alone is certain not to be the provider's.
  if (status === 407) return { code: 'PROXY_REFUSED', message: REFUSED_BY_PROXY }
  if (status === 429)
    return { code: 'RATE_LIMITED', message: 'The data provider answered with status 429: too many requests' }
  if (status !== undefined)
    return {
      code: 'REQUEST_FAILED',
      message: `The data provider answered with status ${status}`,
      ...kindOf(status),
    }
  const known = networkCode(error, CODES)
  const words = textOfParts(error) ?? String(memberOf(error, 'code'))
  if (known !== undefined)
    return { code: known, message: `The request to the data provider failed: ${words}` }
  return { code: 'CONNECTION_FAILED', message: 'The request to the data provider failed without an answer' }
}
