import { isDeepStrictEqual } from 'node:util'
import { type Standing } from './order'
import { type AdapterResponse } from './responses'
import { isAhead, isBeforeClocks } from './time'
import { type Instant, later } from '../util/clock'

/** A value as one of several sources of a feed reported it, with what it is ranked by. */
export interface Observation extends Standing {
  readonly response: AdapterResponse
  readonly hasProviderTime: boolean
  /** Its source gives times of the provider, with this value or with one before it. */
  isTimed: boolean
  expiresAt: Instant
  /** When its source last said it. */
  heardAt: Instant
}

const finite = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined

export const observe = (
  response: AdapterResponse,
  rank: number,
  now: Instant,
  ttlMs: number,
): Observation => {
  const { timestamps }: Partial<AdapterResponse> = response
  const indicated = finite(timestamps?.providerIndicatedTimeUnixMs)
  const received = finite(timestamps?.providerDataReceivedUnixMs) ?? now.unixMs
  // A time ahead of its own receipt is none, unless it is our clock that is wrong.
  const hasProviderTime =
    indicated !== undefined && (isBeforeClocks(received) || !isAhead(indicated, received))
  const timeUnixMs = hasProviderTime ? indicated : received
  const expiresAt = later(now, ttlMs)
  return {
    response,
    rank,
    timeUnixMs,
    hasProviderTime,
    indicated,
    isTimed: hasProviderTime,
    expiresAt,
    heardAt: now,
  }
}

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
