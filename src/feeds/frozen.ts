export interface FrozenMemory {
  value: number
  /** When it came first, by the monotonic clock. */
  sinceMs: number
}

/** NU-9: the same value for too long, however fresh the ticks that bring it. */
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
