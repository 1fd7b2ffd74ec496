/** A back-off is an immutable value: it gives the delay before the next attempt, and the back-off to use after that attempt. */
export interface Backoff {
  /** Draws a delay. The back-off itself does not change. */
  next(): BackoffStep
}

/** Delays are in milliseconds. */
export interface BackoffStep {
  delayMs: number
  /** What the delay was drawn from. */
  nominalMs: number
  next: Backoff
  /** To use instead of `next`: after this step the nominal delay grows by the given factor, and later by the usual one again. */
  nextBy: (factor: number) => Backoff
}

/** Draws a delay from a nominal one. `drawn` is in [0, 1). */
export type Jitter = (nominalMs: number, drawn: number) => number

/** Draws between two multiples of the nominal delay; the second one is never reached. */
export const between =
  (from: number, to: number): Jitter =>
  (nominalMs, drawn) =>
    nominalMs * (from + (to - from) * drawn)

/** Full jitter: draws from all between a floor and the nominal delay. The floor is for what must not be repeated faster than that. */
export const fullAbove =
  (floorMs: number): Jitter =>
  (nominalMs, drawn) => {
    const leastMs = Math.min(floorMs, nominalMs)
    return leastMs + (nominalMs - leastMs) * drawn
  }

/** Adds a random part of `mostMs` to the nominal delay. */
export const longerBy =
  (mostMs: (nominalMs: number) => number): Jitter =>
  (nominalMs, drawn) =>
    nominalMs + drawn * mostMs(nominalMs)

export const exact: Jitter = (nominalMs) => nominalMs

/** The upper half of the nominal delay, so that clients which lost the same provider do not all come back at the same moment. */
const UPPER_HALF = between(0.5, 1)

export interface ExponentialBackoffOptions {
  /** Nominal delay before the first retry, in milliseconds. */
  minMs: number
  /** No nominal delay is longer than this, in milliseconds. */
  maxMs: number
  /** What the nominal delay is multiplied with from one attempt to the next; at least 1. */
  factor: number
  /** Default: from the upper half of the nominal delay. */
  jitter?: Jitter
  /** Source of jitter, in [0, 1). Default: `Math.random`. */
  random?: () => number
}

/** Delays that grow by a factor up to a limit. To start again, keep the value that this returns, and go back to it. */
export const exponentialBackoff = (options: ExponentialBackoffOptions): Backoff => after(0, 1, options)

/** Delays that are all drawn from the same one. */
export const steadyBackoff = (nominalMs: number, jitter?: Jitter): Backoff =>
  exponentialBackoff({ minMs: nominalMs, maxMs: nominalMs, factor: 1, jitter })

/** @param growth - product of the factors that were given to `nextBy` */
const after = (attempts: number, growth: number, options: ExponentialBackoffOptions): Backoff => ({
  next() {
    const { minMs, maxMs, factor, jitter = UPPER_HALF, random = Math.random } = options
    // After many attempts the power is Infinity, and Infinity times zero is NaN.
    const nominalMs = minMs === 0 ? 0 : Math.min(minMs * (factor ** attempts * growth), maxMs)
    return {
      delayMs: jitter(nominalMs, random()),
      nominalMs,
      next: after(attempts + 1, growth, options),
      nextBy: (own) => after(attempts, growth * own, options),
    }
  },
})
