import { type AxiosError } from 'axios'
import { parseRetryAfter } from '../util/retry-after'

const STATUSES = new Set([429, 503])

/** The pause in ms that a provider's answer asks for (RFC 9110, section 10.2.3). */
export const retryAfterOf = (error: unknown, now: number): number | undefined => {
  const response = (error as Partial<AxiosError> | null)?.response
  if (response === undefined || !STATUSES.has(response.status)) return undefined
  const headers = response.headers as Record<string, unknown> | undefined
  return parseRetryAfter(headers?.['retry-after'], now)
}
