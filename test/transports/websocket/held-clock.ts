import { vi } from 'vitest'

/** A woken loop first gathers what else is wanted, for some turns. */
const TURNS = 20

/** Lets time pass in steps. After each the clock is held for some turns of the event loop, in which everything may react. */
export const elapse = async (ms: number, stepMs = 250): Promise<void> => {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await vi.advanceTimersByTimeAsync(stepMs)
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The most entries of a provider's log that are in one window of `perMs`, wherever that begins. */
export const mostIn = (log: readonly { atMs: number }[], perMs: number): number =>
  Math.max(
    0,
    ...log.map(({ atMs: from }) => log.filter(({ atMs }) => atMs >= from && atMs < from + perMs).length),
  )
