import { type SessionEnd } from '../../src/connections/link-keeper'
import { afterLives, type Delay, type RetryRule } from '../../src/connections/retry'
import { between, exponentialBackoff, fullAbove, steadyBackoff } from '../../src/util/backoff'
import { RoomError, type RoomTrouble } from './room-error'

export interface ComingBackLimits {
  /** Of the first pause after an ordinary end, in ms. */
  minMs: number
  /** Of the longest one, in ms. */
  maxMs: number
  factor: number
}

const MINUTE_MS = 60_000

/** Strangers come and go: a full room is asked again soon, but not in a hurry. With jitter from 30 s to 10 minutes. */
const FULL_ROOM = exponentialBackoff({ minMs: MINUTE_MS, maxMs: 10 * MINUTE_MS, factor: 2 })
/** Whoever took our place would be put out by our return, and come back in turn. */
const REPLACED = steadyBackoff(5 * MINUTE_MS, between(1, 1.5))
/** A server that asks for a wrong signature, or a document that names no room, does not change in seconds. */
const STUBBORN = steadyBackoff(10 * MINUTE_MS, between(0.75, 1.25))

const STUBBORN_TROUBLES: ReadonlySet<RoomTrouble> = new Set(['bad-challenge', 'connection-string'])

const troubleOf = (end: SessionEnd): RoomTrouble | undefined => {
  const error = end.kind === 'failed' ? end.error : end.close.cause
  return error instanceof RoomError ? error.trouble : undefined
}

/**
 * How long to stay away from a room after each end (CN-5): by its cause, with jitter, longer each time in vain. With a key that has
 * expired coming back is of no use before a restart with other settings.
 */
export const comingBack = (limits: ComingBackLimits): RetryRule<SessionEnd, Delay> => {
  const first = exponentialBackoff({ ...limits, jitter: fullAbove(limits.minMs / 2) })
  const rule = (ordinary = afterLives(first), full = FULL_ROOM) => ({
    next(end: SessionEnd): Delay & { next: RetryRule<SessionEnd, Delay> } {
      const trouble = troubleOf(end)
      if (trouble === 'key-expired') return { delayMs: undefined, next: rule(ordinary, full) }
      if (trouble === 'replaced') return { ...REPLACED.next(), next: rule(ordinary, full) }
      if (trouble === 'room-full') {
        const { delayMs, next } = full.next()
        return { delayMs, next: rule(ordinary, next) }
      }
      if (trouble !== undefined && STUBBORN_TROUBLES.has(trouble))
        return { ...STUBBORN.next(), next: rule(ordinary) }
      const { delayMs, next } = ordinary.next({ livedMs: end.kind === 'lost' ? end.openForMs : 0 })
      return { delayMs, next: rule(next) }
    },
  })
  return rule()
}
