import { afterLives, lazyRule, type Life, type RetryRule } from '../connections/retry'
import { type Backoff, between, exponentialBackoff, fullAbove, steadyBackoff } from '../util/backoff'

/** The settings for the waits between attempts of a stream and of its subscriptions. */
export interface RetrySettings {
  STREAM_HANDLER_RETRY_MIN_MS: number
  STREAM_HANDLER_RETRY_MAX_MS: number
  STREAM_HANDLER_RETRY_EXP_FACTOR: number
}

interface Of {
  settings: RetrySettings
}

/** Where nothing listens at the provider's address, an attempt costs the provider nothing, so the wait may grow slowly. */
const UNHEARD_FACTOR = 1.25

const limitsIn = (settings: RetrySettings) => ({
  minMs: settings.STREAM_HANDLER_RETRY_MIN_MS,
  maxMs: settings.STREAM_HANDLER_RETRY_MAX_MS,
  factor: settings.STREAM_HANDLER_RETRY_EXP_FACTOR,
})

export interface FailedPass extends Of {
  /** Whether it is known that the attempt did not reach the provider. */
  wasUnheard: boolean
  /** The wait, where somebody else paces the attempts. Default: it grows by the settings. */
  pauseMs?: number | undefined
}

export interface NominalDelay {
  delayMs: number
  /** The upper limit of the delay, before the random part is taken off. */
  nominalMs: number
}

/**
 * After a failed pass of a stream (contract 10.3, 17.19). The attempts of many processes are spread by waiting up to a quarter less than the
 * contract says, never more: operators see this formula through the settings, so it has no full jitter.
 */
export const afterFailedPass = lazyRule<FailedPass, NominalDelay>(({ settings }) => {
  const limits = limitsIn(settings)
  const rule = (backoff: Backoff): RetryRule<FailedPass, NominalDelay> => ({
    next({ wasUnheard, pauseMs }) {
      if (pauseMs !== undefined) return { delayMs: pauseMs, nominalMs: pauseMs, next: rule(backoff) }
      const { delayMs, nominalMs, next, nextBy } = backoff.next()
      const grown = wasUnheard ? nextBy(Math.min(limits.factor, UNHEARD_FACTOR)) : next
      return { delayMs, nominalMs, next: rule(grown) }
    },
  })
  return rule(exponentialBackoff({ ...limits, jitter: between(1, 0.75) }))
})

/**
 * After an open connection has closed. After a useful life the next attempt comes almost at once; after each further close without one the
 * wait grows, with full jitter: a quarter of the settings' minimum is its floor (CN-5).
 */
export const afterClose = lazyRule<Of & Life & Pick<FailedPass, 'pauseMs'>, { delayMs: number }>(
  ({ settings }) => {
    const { minMs, ...limits } = limitsIn(settings)
    const start = exponentialBackoff({ minMs: minMs / 2, ...limits, jitter: fullAbove(minMs / 4) })
    const rested: Backoff = { next: () => ({ ...steadyBackoff(minMs / 10).next(), next: start }) }
    const rule = (usual: RetryRule<Life>): RetryRule<Life & Pick<FailedPass, 'pauseMs'>> => ({
      next({ pauseMs, ...life }) {
        const { delayMs, next } = usual.next(life)
        return { delayMs: pauseMs ?? delayMs, next: rule(next) }
      },
    })
    return rule(afterLives(start, { rested }))
  },
)

/** After feeds could not be subscribed. */
export const afterRefusal = lazyRule<Of, { delayMs: number }>(({ settings }) =>
  exponentialBackoff(limitsIn(settings)),
)
