import { afterLives, type Life, type RetryRule } from '../../connections/retry'
import { exponentialBackoff } from '../../util/backoff'

/** A process that lived for so long was of use: what ends it then has nothing to do with how it began. */
export const USEFUL_LIFE_MS = 60_000

/** At once-ish the first time; not more often than every 15 s for one that dies again and again. */
export const afterDeath = (random?: () => number): RetryRule<Life> =>
  afterLives(exponentialBackoff({ minMs: 200, maxMs: 30_000, factor: 2, random }), {
    usefulLifeMs: USEFUL_LIFE_MS,
  })
