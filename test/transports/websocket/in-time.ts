import { vi } from 'vitest'

const { setTimeout: realSetTimeout } = globalThis

/** Lets what is under way on real sockets arrive. */
const settle = async () => {
  await new Promise((resolve) => realSetTimeout(resolve, 1))
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** The most fake time that is waited for something: longer than any pause of ours. */
const MOST_STEPS = 6_000

/**
 * Moves the fake clock in small steps, with time for real sockets between them, until something is so. A slow machine only makes it take
 * longer.
 *
 * @param stepMs - how far the clock moves at a time
 * @throws when it is not so after 6 000 steps
 */
export const inTime = async (isSo: () => boolean, stepMs = 50): Promise<void> => {
  for (let step = 0; step < MOST_STEPS; step++) {
    await settle()
    if (isSo()) return
    await vi.advanceTimersByTimeAsync(stepMs)
  }
  throw new Error(`It did not become so in ${MOST_STEPS * stepMs} ms of fake time: ${isSo.toString()}`)
}
