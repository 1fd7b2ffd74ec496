export interface FrozenMemory {
  value: number
  /** When this value was first received, by the monotonic clock, in ms. */
  sinceMs: number
}

/** NU-9: the value has been the same for too long, even if new messages bring it. */
export const frozenReason = (
  value: number,
  frozenAfterMs: number | undefined,
  memory: { frozen?: FrozenMemory },
  nowMs: number,
): 'frozen' | undefined => {
  if (frozenAfterMs === undefined) return undefined
  if (memory.frozen?.value !== value) memory.frozen = { value, sinceMs: nowMs }
  return nowMs - memory.frozen.sinceMs >= frozenAfterMs ? 'frozen' : undefined
}
