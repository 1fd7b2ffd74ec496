/** A back-off is a value: it tells the delay before the next attempt, and the back-off to use after that one. */
export interface Backoff {
  /** Draws a delay, in milliseconds. The back-off itself does not change. */
  next(): { delayMs: number; next: Backoff }
}

export interface ExponentialBackoffOptions {
  /** Nominal delay before the first retry, in milliseconds. */
  minMs: number
  /** No delay is longer than this, in milliseconds. */
  maxMs: number
  /** What the nominal delay is multiplied with from one attempt to the next; at least 1. */
  factor: number
  /** Source of jitter, in [0, 1). Default: `Math.random`. */
  random?: () => number
}

/**
 * Delays that grow by a factor up to a limit. Each is drawn from the upper half of its nominal value, so that clients
 * which lost the same provider do not come back in the same instant. To reset, keep the first value and return to it.
 */
export const exponentialBackoff = (options: ExponentialBackoffOptions): Backoff => after(0, options)

const after = (attempts: number, options: ExponentialBackoffOptions): Backoff => ({
  next() {
    const { minMs, maxMs, factor, random = Math.random } = options
    // Far out the power is infinite, and infinity times zero is not a number.
    const nominalMs = minMs === 0 ? 0 : Math.min(minMs * factor ** attempts, maxMs)
    return { delayMs: (nominalMs / 2) * (1 + random()), next: after(attempts + 1, options) }
  },
})
