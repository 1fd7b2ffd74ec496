/** The most entries of a provider's log that are in one window of `perMs`, wherever that begins. */
export const mostIn = (log: readonly { atMs: number }[], perMs: number): number =>
  Math.max(
    0,
    ...log.map(({ atMs: from }) => log.filter(({ atMs }) => atMs >= from && atMs < from + perMs).length),
  )
