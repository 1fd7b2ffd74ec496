import { type Backoff, exponentialBackoff } from '../../util/backoff'

/** A process that lived for so long was of use: what ends it then has nothing to do with how it began. */
export const USEFUL_LIFE_MS = 60_000

/** How long to wait before a process that died is started again. A value: every death makes the next one. */
export interface Restarts {
  /** @param livedMs - from its start to its death */
  afterDeath(livedMs: number): { delayMs: number; next: Restarts }
}

/** At once-ish the first time; not more often than every 15 s for one that dies again and again. */
export const restarts = (random?: () => number): Restarts => {
  const fresh = exponentialBackoff({ minMs: 200, maxMs: 30_000, factor: 2, random })
  const after = (backoff: Backoff): Restarts => ({
    afterDeath(livedMs) {
      const { delayMs, next } = (livedMs >= USEFUL_LIFE_MS ? fresh : backoff).next()
      return { delayMs, next: after(next) }
    },
  })
  return after(fresh)
}
