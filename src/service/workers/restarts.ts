import { afterLives, type Life, type RetryRule } from '../../connections/retry'
import { exponentialBackoff } from '../../util/backoff'

/** A process that ran for this long has worked, so that its end has nothing to do with its start. */
export const USEFUL_LIFE_MS = 60_000

/** Soon after the first time; not more often than every 15 s for a process that dies again and again. */
export const afterDeath = (random?: () => number): RetryRule<Life> =>
  afterLives(exponentialBackoff({ minMs: 200, maxMs: 30_000, factor: 2, random }), {
    usefulLifeMs: USEFUL_LIFE_MS,
  })
