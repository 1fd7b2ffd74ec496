import { type AxiosError } from 'axios'

/** The longest pause that a provider can ask for; a longer one is cut to this. */
export const MAX_RETRY_AFTER_MS = 3_600_000

const STATUSES = new Set([429, 503])

/** `Retry-After` in seconds or as an HTTP date, as a delay in ms. Undefined for anything else, and for a time that is over. */
export const parseRetryAfter = (value: unknown, now: number): number | undefined => {
  const text = (typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '').trim()
  const delayMs = /^\d+(\.\d+)?$/.test(text)
    ? Number(text) * 1_000
    : /[a-z]/i.test(text)
      ? Date.parse(text) - now
      : NaN
  return delayMs > 0 ? delayMs : undefined
}

/** The pause in ms that a provider's answer asks for (RFC 9110, section 10.2.3). */
export const retryAfterOf = (error: unknown, now: number): number | undefined => {
  const response = (error as Partial<AxiosError> | null)?.response
  if (response === undefined || !STATUSES.has(response.status)) return undefined
  const headers = response.headers as Record<string, unknown> | undefined
  return parseRetryAfter(headers?.['retry-after'], now)
}
