import { isAhead } from './time'

/** When a value is of. */
export interface Moment {
  /** The provider's time; without a usable one, when the value was received. */
  readonly timeUnixMs: number
  /** False where it is the time of receipt. Default true. */
  readonly hasProviderTime?: boolean
  /** The provider's time as it was given, usable or not; only where it is not is it looked at. */
  readonly indicated?: number | undefined
}

/** A moment, and the place of whoever says so among the others that do; 0 comes first. */
export interface Standing extends Moment {
  readonly rank: number
}

const provenance = ({ hasProviderTime = true }: Moment): number => Number(hasProviderTime)

/**
 * Positive when `a` is of a later time than `b`, 0 when of the same, NaN when one of them has no time. At equal times the one whose time
 * is the provider's own counts as later (FO-5).
 */
export const compareTimes = (a: Moment, b: Moment): number =>
  a.timeUnixMs !== b.timeUnixMs
    ? a.timeUnixMs - b.timeUnixMs
    : provenance(a) - provenance(b) || (a.indicated ?? 0) - (b.indicated ?? 0)

/** Positive when `a` is to be served rather than `b`: a total order, whatever order the two came in (FO-4, TM-4). */
export const compareStandings = (a: Standing, b: Standing): number =>
  compareTimes(a, b) || (a.rank === b.rank ? 0 : b.rank - a.rank)

/** Whether a time is before that of an accepted value, if there is one (TM-1). One ahead of our clock counts for nothing (TM-3). */
export const isBackwards = (
  timeUnixMs: number,
  accepted: number | undefined,
  now: number,
  toleranceMs: number | undefined,
): boolean => accepted !== undefined && timeUnixMs < accepted && !isAhead(accepted, now, toleranceMs)
