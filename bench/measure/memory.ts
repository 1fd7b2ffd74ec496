import { setTimeout as pause } from 'node:timers/promises'
import { type Target } from '../processes/target'

const SETTLING_MS = 500

/** Resident memory of a target in MiB after everything that can go has gone. */
export const settledRssMiB = async (target: Target): Promise<number> => {
  for (let time = 0; time < 2; time++) {
    await target.tell('collectGarbage')
    // Freed pages go back to the system a moment later.
    await pause(SETTLING_MS)
  }
  return target.rssMiB()
}
