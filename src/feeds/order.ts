import { isAhead } from './time'

/** The time of a value. */
export interface Moment {
  /** The provider's time; the time of receipt where the provider gives none that can be used. */
  readonly timeUnixMs: number
  /** False where `timeUnixMs` is the time of receipt. Default true. */
  readonly hasProviderTime?: boolean
  /** The provider's time as it was given, even if it cannot be used. It decides only between values that are equal otherwise. */
  readonly indicated?: number | undefined
}

/** The time of a value and the rank of its source; 0 is the best rank. */
export interface Standing extends Moment {
  readonly rank: number
}

const provenance = ({ hasProviderTime = true }: Moment): number => Number(hasProviderTime)

/**
 * Positive where `a` has a later time than `b`, 0 where both have the same, NaN where one has none. At equal times the one with a time of
 * the provider counts as later (FO-5).
 */
export const compareTimes = (a: Moment, b: Moment): number =>
  a.timeUnixMs !== b.timeUnixMs
    ? a.timeUnixMs - b.timeUnixMs
    : provenance(a) - provenance(b) || (a.indicated ?? 0) - (b.indicated ?? 0)

/** Positive where `a` is to be served and not `b`. It does not depend on which of them came first (FO-4, TM-4). */
export const compareStandings = (a: Standing, b: Standing): number =>
  compareTimes(a, b) || (a.rank === b.rank ? 0 : b.rank - a.rank)

/** Whether a time is before that of an accepted value, if there is one (TM-1). An accepted time in the future is ignored (TM-3). */
export const isBackwards = (
  timeUnixMs: number,
  accepted: number | undefined,
  now: number,
  toleranceMs: number | undefined,
): boolean => accepted !== undefined && timeUnixMs < accepted && !isAhead(accepted, now, toleranceMs)
