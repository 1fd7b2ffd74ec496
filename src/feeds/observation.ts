import { isDeepStrictEqual } from 'node:util'
import { type AdapterResponse } from './responses'

/** A provider's time further ahead of its own receipt than this is no time (TM-2). */
const FUTURE_TOLERANCE_MS = 5_000
/** Before this our own clock is wrong (or a test's), and proves nothing about a provider's. */
const EARLIEST_TIME_UNIX_MS = 1_514_764_861_000

/** A value as one of several sources of a feed reported it, with what it is ranked by. */
export interface Observation {
  readonly response: AdapterResponse
  /** Place of its source among the sources; 0 comes first. */
  readonly rank: number
  /** The provider's time; without a usable one, when the value was received. */
  readonly timeUnixMs: number
  readonly hasProviderTime: boolean
  /** The provider's time as it was given. */
  readonly indicated: number | undefined
  expiresAt: number
}

const finite = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined

export const observe = (response: AdapterResponse, rank: number, now: number, ttlMs: number): Observation => {
  const { timestamps } = response as Partial<AdapterResponse>
  const indicated = finite(timestamps?.providerIndicatedTimeUnixMs)
  const received = finite(timestamps?.providerDataReceivedUnixMs) ?? now
  const isAhead = (time: number) => received >= EARLIEST_TIME_UNIX_MS && time > received + FUTURE_TOLERANCE_MS
  const hasProviderTime = indicated !== undefined && !isAhead(indicated)
  const timeUnixMs = hasProviderTime ? indicated : received
  return { response, rank, timeUnixMs, hasProviderTime, indicated, expiresAt: now + ttlMs }
}

/**
 * Positive when `a` is of a later time than `b`. At equal times the one whose time is the provider's own counts as later (FO-5).
 */
export const compareTimes = (a: Observation, b: Observation): number =>
  a.timeUnixMs - b.timeUnixMs ||
  Number(a.hasProviderTime) - Number(b.hasProviderTime) ||
  (a.indicated ?? 0) - (b.indicated ?? 0)

/** Positive when `a` is to be served rather than `b`: a total order, whatever order the two came in (FO-4, TM-4). */
export const compareObservations = (a: Observation, b: Observation): number =>
  compareTimes(a, b) || b.rank - a.rank

export const isSameValue = (a: AdapterResponse, b: AdapterResponse): boolean =>
  Object.is(a.result, b.result) && isDeepStrictEqual(a.data, b.data)

/** Whether one is the other, or a copy that has been to a store and back. */
export const isSameResponse = (a: AdapterResponse, b: AdapterResponse): boolean => {
  if (a === b) return true
  const [one, other] = [a.timestamps, b.timestamps]
  return (
    one?.providerDataReceivedUnixMs === other?.providerDataReceivedUnixMs &&
    one?.providerIndicatedTimeUnixMs === other?.providerIndicatedTimeUnixMs &&
    isSameValue(a, b)
  )
}
