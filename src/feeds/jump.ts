/** A value that is far from the last one is refused until a second value is near it (NU-8). */
export interface JumpGuard {
  /** The largest change, as a part of the last value. */
  ratio: number
  /** For each `perMs` since the last value, the allowed change grows by `ratio`. In ms. Default: it does not grow. */
  perMs?: number
  /** How near the second value must be to the first, as a part of it. Default: `ratio`. */
  agreeWithin?: number
  /** How long the value from before the jump may still be served, in ms. Default: the `maxHoldMs` of all guards. */
  maxHoldMs?: number
}

export interface JumpMemory {
  value: number
  atMs: number
  /** The last value that was too far away, while no other was near it. */
  suspect?: number
}

const isWithin = (value: number, of: number, ratio: number): boolean =>
  Math.abs(value - of) <= ratio * Math.abs(of)

const allowedRatio = ({ ratio, perMs }: JumpGuard, elapsedMs: number): number =>
  perMs === undefined ? ratio : ratio * Math.max(1, elapsedMs / perMs)

/**
 * Remembers each value that it does not refuse.
 *
 * @param hasServed - whether the feed has a live value. Without one nothing is refused, so that a gap in the stream does not block the feed
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
