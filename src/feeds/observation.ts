import { isDeepStrictEqual } from 'node:util'
import { type Standing } from './order'
import { type AdapterResponse } from './responses'
import { isAhead, isBeforeClocks } from './time'
import { type Instant, later } from '../util/clock'

/** A value of one of several sources of a feed, with what it is compared by. */
export interface Observation extends Standing {
  readonly response: AdapterResponse
  readonly hasProviderTime: boolean
  /** Whether its source gives the provider's times: with this value, or with one before it. */
  isTimed: boolean
  expiresAt: Instant
  /** When its source sent or confirmed it last. */
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
  // A provider's time that is after the receipt is not used, unless our clock is wrong.
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

/** The response as it is served: where it has no usable time of the provider, its meta says so (FO-5). */
export const asRanked = ({ response, hasProviderTime }: Observation): AdapterResponse =>
  hasProviderTime || response.meta === undefined
    ? response
    : { ...response, meta: { ...response.meta, rankedBy: 'receivedAt' } }

export const isSameValue = (a: AdapterResponse, b: AdapterResponse): boolean =>
  Object.is(a.result, b.result) && isDeepStrictEqual(a.data, b.data)

/** Whether they are the same object, or one is a copy of the other that a store returned. */
export const isSameResponse = (a: AdapterResponse, b: AdapterResponse): boolean => {
  if (a === b) return true
  const [one, other] = [a.timestamps, b.timestamps]
  return (
    one?.providerDataReceivedUnixMs === other?.providerDataReceivedUnixMs &&
    one?.providerIndicatedTimeUnixMs === other?.providerIndicatedTimeUnixMs &&
    isSameValue(a, b)
  )
}
