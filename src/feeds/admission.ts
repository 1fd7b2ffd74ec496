import { type Feed } from './feed'
import { type AdapterResponse } from './responses'
import { type Instant } from '../util/clock'

/** A response that wants to be stored. */
export interface Offer<R extends AdapterResponse = AdapterResponse> {
  key: string
  value: R
  /** For how long it may be served. */
  ttlMs: number
  /** Absent where only the key is known. */
  feed: Feed | undefined
}

/** What becomes of an offer: a value is stored, or (without one) what is stored gets another TTL. */
export interface Decision<R extends AdapterResponse = AdapterResponse> {
  value: R | undefined
  ttlMs: number
}

/** What a new value of a feed must not be older than. */
export interface LastAccepted {
  served: AdapterResponse | undefined
  acceptedAsOf: number | undefined
}

/** Which responses get into a cache, by what is cached. */
export interface Admission<R extends AdapterResponse = AdapterResponse> {
  /** Whether it must not be asked before what it let in last is stored: where that is all it goes by. */
  readonly takesTurns: boolean
  /**
   * @param current - what is cached
   * @param isAtOnce - what is let in is stored before this is called again
   * @returns undefined leaves everything as it is
   */
  admit(offer: Offer<R>, current: R | undefined, at: Instant, isAtOnce: boolean): Decision<R> | undefined
  /** What guards hold a value against. Default: what is cached, and what the feed has accepted. */
  lastAccepted?(feed: Feed, at: Instant): LastAccepted
  noteAccepted?(feed: Feed, value: AdapterResponse): void
  /** Whether what is cached gets another TTL when a transport says that its value still holds. Default: always. */
  extend?(key: string, ttlMs: number, at: Instant): boolean
  /** What it remembers of a feed is void: other limits hold. */
  forget?(key: string): void
}

/** What an author's rule says (contract 8.6). */
export const compare = <R extends AdapterResponse>(
  shouldUpdate: (next: R, current?: R) => boolean,
): Admission<R> => ({
  takesTurns: true,
  admit: (offer, current) => (shouldUpdate(offer.value, current) ? offer : undefined),
})
