import { type AxiosError } from 'axios'
import { parseRetryAfter } from '../util/retry-after'

const STATUSES = new Set([429, 503])

/** Providers' own headers for the same, where there is no `Retry-After`. The longest of them counts. */
const OWN_HEADERS = ['ratelimit-reset', 'x-ratelimit-reset', 'x-rate-limit-reset']

/** No delay in seconds is as large as this; a time in Unix seconds or ms is. */
const LEAST_UNIX_S = 1e9
const LEAST_UNIX_MS = 1e12

/** The delay that a provider's own header says: in seconds, or by the time at which it is over. */
const ownDelay = (value: unknown, now: number): number | undefined => {
  const number = Number(value)
  if (!(number >= LEAST_UNIX_S)) return parseRetryAfter(value, now)
  const delayMs = (number >= LEAST_UNIX_MS ? number : number * 1_000) - now
  return delayMs > 0 ? delayMs : undefined
}

/**
 * The pause in ms that a provider's answer asks for (RFC 9110, section 10.2.3). A point in time is compared with the provider's own clock,
 * if its answer has that.
 */
export const retryAfterOf = (error: unknown, now: number): number | undefined => {
  const response = (error as Partial<AxiosError> | null)?.response
  if (response === undefined || !STATUSES.has(response.status)) return undefined
  const headers = (response.headers ?? {}) as Record<string, unknown>
  const theirNow = Date.parse(String(headers['date'])) || now
  if (headers['retry-after'] !== undefined) return parseRetryAfter(headers['retry-after'], theirNow)
  const delays = OWN_HEADERS.map((name) => ownDelay(headers[name], theirNow) ?? 0)
  return Math.max(...delays) || undefined
}
