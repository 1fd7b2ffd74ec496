import { type Variables } from '../env'
import { type StepClock, stepClock } from '../step-clock'
import { type Kind, Trial } from './trial'
import { type Venue } from './venue'

/** One thing that every adapter must pass. */
export interface Check {
  /** Where it has a meaning. Default: everywhere. */
  kinds?: readonly Kind[]
  env?: Variables
  run: (venue: Venue, env?: Variables) => Promise<void>
}

/** A check that begins with the adapter served and both feeds priced at 100. */
export const tried =
  (run: (trial: Trial) => Promise<void>): Check['run'] =>
  (venue, env) =>
    Trial.run(venue, env, run)

/** The same, with the clocks in the check's hands. */
export const timed = (run: (trial: Trial, clock: StepClock) => Promise<void>): Check['run'] =>
  tried(async (trial) => {
    const clock = stepClock()
    try {
      await run(trial, clock)
    } finally {
      clock.restore()
    }
  })
