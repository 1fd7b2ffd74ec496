/** A time that may be right while the wall clock is in doubt: counted on by the monotonic clock. */
export interface Reckoning {
  /** How far it is ahead of the monotonic clock, in ms. */
  readonly offsetMs: number
}

/** The first is the time that was trusted last. */
export type Reckonings = readonly [Reckoning, ...Reckoning[]]

/** So many are told apart: of sleeps, for example, the sums of five. */
const MAX_RECKONINGS = 32

/**
 * What may be right once the wall clock was moved: each that may have been right before goes on, and where the clock went ahead, the machine
 * may have slept for so long. Of too many those go that the oldest moves have brought.
 *
 * @param doubtful - what the wall clock showed before, where nobody has said whether that was right. With a sleep it is what it shows now
 */
export const reckonedOn = (
  [first, ...others]: Reckonings,
  movedMs: number,
  doubtful?: Reckoning,
): Reckonings => {
  const slept = ({ offsetMs }: Reckoning): Reckoning[] =>
    movedMs > 0 ? [{ offsetMs: offsetMs + movedMs }] : []
  const wall = doubtful === undefined ? [] : [doubtful]
  const rest = [...slept(first), ...wall, ...others.flatMap((one) => [one, ...slept(one)])]
  return [first, ...rest.slice(0, MAX_RECKONINGS - 1)]
}
