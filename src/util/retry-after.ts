import { longerBy, steadyBackoff } from './backoff'

/** The longest pause that a provider can ask for; a longer one is cut to this. */
export const MAX_RETRY_AFTER_MS = 3_600_000

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

/** Several adapters may have been told the same pause: they must not all come back at the same moment. */
const A_LITTLE_LONGER = longerBy((delayMs) => Math.min(1_000, delayMs / 10))

/** How long to pause where a provider asks for `delayMs`: not longer than {@link MAX_RETRY_AFTER_MS}, and a little longer than that. */
export const pauseFor = (delayMs: number): number =>
  steadyBackoff(Math.min(delayMs, MAX_RETRY_AFTER_MS), A_LITTLE_LONGER).next().delayMs
