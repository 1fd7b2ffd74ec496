import { type AxiosError } from 'axios'

/** A provider cannot silence an adapter for longer, whatever it sends. */
export const MAX_RETRY_AFTER_MS = 3_600_000

const STATUSES = new Set([429, 503])

/** `Retry-After` in seconds or as an HTTP date, as a delay in ms. Undefined for what is neither, or is over. */
export const parseRetryAfter = (value: unknown, now: number): number | undefined => {
  const text = (typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '').trim()
  const delayMs = /^\d+(\.\d+)?$/.test(text)
    ? Number(text) * 1_000
    : /[a-z]/i.test(text)
      ? Date.parse(text) - now
      : NaN
  return delayMs > 0 ? delayMs : undefined
}

/** For how long a provider asks to be left alone, by its answer to a request (RFC 9110, section 10.2.3). */
export const retryAfterOf = (error: unknown, now: number): number | undefined => {
  const response = (error as Partial<AxiosError> | null)?.response
  if (response === undefined || !STATUSES.has(response.status)) return undefined
  const headers = response.headers as Record<string, unknown> | undefined
  return parseRetryAfter(headers?.['retry-after'], now)
}
