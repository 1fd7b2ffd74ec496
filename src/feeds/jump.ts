/** What is done about a value that is far from the last one: it is not believed until a second tick agrees (NU-8). */
export interface JumpGuard {
  /** The largest change, as a part of the last value. */
  ratio: number
  /** The change that is allowed grows by `ratio` with each of these since the last value. Default: it does not grow. */
  perMs?: number
  /** How near a second tick must be to the first, as a part of it. Default: `ratio`. */
  agreeWithin?: number
  /** For so long the value from before the jump may be served while nothing agrees, in ms. Default 10 000. */
  maxHoldMs?: number
}

export interface JumpMemory {
  value: number
  atMs: number
  /** A value that was too far away, until another agrees with it. */
  suspect?: number
}

/** For how long the old value may go on being served beside one that is suspected. */
export const HOLD_MS = 10_000

const isWithin = (value: number, of: number, ratio: number): boolean =>
  Math.abs(value - of) <= ratio * Math.abs(of)

const allowedRatio = ({ ratio, perMs }: JumpGuard, elapsedMs: number): number =>
  perMs === undefined ? ratio : ratio * Math.max(1, elapsedMs / perMs)

/**
 * Remembers the value it lets through.
 *
 * @param hasServed - whether the feed has a live value: a reference that is stale is none, so that nothing is blocked after a gap
 */
export const jumpReason = (
  value: number,
  declared: number | JumpGuard | undefined,
  memory: { jump?: JumpMemory },
  hasServed: boolean,
  nowMs: number,
): 'jump' | undefined => {
  if (declared === undefined) return undefined
  const guard = typeof declared === 'number' ? { ratio: declared } : declared
  const last = memory.jump
  if (
    last === undefined ||
    !hasServed ||
    isWithin(value, last.value, allowedRatio(guard, nowMs - last.atMs))
  ) {
    memory.jump = { value, atMs: nowMs }
    return undefined
  }
  const isAgreed =
    last.suspect !== undefined && isWithin(value, last.suspect, guard.agreeWithin ?? guard.ratio)
  if (isAgreed) {
    memory.jump = { value, atMs: nowMs }
    return undefined
  }
  last.suspect = value
  return 'jump'
}
