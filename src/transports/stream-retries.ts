import { afterLives, lazyRule, type Life, type RetryRule } from '../connections/retry'
import { type Backoff, between, exponentialBackoff, steadyBackoff } from '../util/backoff'

/** The settings that say how fast a stream is tried again, and what of it failed. */
export interface RetrySettings {
  STREAM_HANDLER_RETRY_MIN_MS: number
  STREAM_HANDLER_RETRY_MAX_MS: number
  STREAM_HANDLER_RETRY_EXP_FACTOR: number
}

interface Of {
  settings: RetrySettings
}

/** Where nothing even listens an attempt costs the provider nothing, so that the wait may grow gently. */
const UNHEARD_FACTOR = 1.25

const limitsIn = (settings: RetrySettings) => ({
  minMs: settings.STREAM_HANDLER_RETRY_MIN_MS,
  maxMs: settings.STREAM_HANDLER_RETRY_MAX_MS,
  factor: settings.STREAM_HANDLER_RETRY_EXP_FACTOR,
})

export interface FailedPass extends Of {
  /** Whether the failure is known not to have reached the provider. */
  wasUnheard: boolean
}

export interface NominalDelay {
  delayMs: number
  /** What the delay was drawn from: it is no longer than this. */
  nominalMs: number
}

/** A pass of a stream failed (contract 10.3). A fleet is spread by going a little sooner than the contract has it, never later. */
export const afterFailedPass = lazyRule<FailedPass, NominalDelay>(({ settings }) => {
  const limits = limitsIn(settings)
  const rule = (backoff: Backoff): RetryRule<FailedPass, NominalDelay> => ({
    next({ wasUnheard }) {
      const { delayMs, nominalMs, next, nextBy } = backoff.next()
      const grown = wasUnheard ? nextBy(Math.min(limits.factor, UNHEARD_FACTOR)) : next
      return { delayMs, nominalMs, next: rule(grown) }
    },
  })
  return rule(exponentialBackoff({ ...limits, jitter: between(1, 0.75) }))
})

/** A connection that was open has closed. Practically at once after a useful life; each further close without one waits longer (CN-5). */
export const afterClose = lazyRule<Of & Life, { delayMs: number }>(({ settings }) => {
  const { minMs, ...limits } = limitsIn(settings)
  const start = exponentialBackoff({ minMs: minMs / 2, ...limits })
  const rested: Backoff = { next: () => ({ ...steadyBackoff(minMs / 10).next(), next: start }) }
  return afterLives(start, { rested })
})

/** Feeds could not be subscribed. */
export const afterRefusal = lazyRule<Of, { delayMs: number }>(({ settings }) =>
  exponentialBackoff(limitsIn(settings)),
)
