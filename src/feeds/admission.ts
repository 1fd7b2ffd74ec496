import { type Feed } from './feed'
import { type AdapterResponse } from './responses'
import { type Instant } from '../util/clock'

/** A response that wants to be stored. */
export interface Offer<R extends AdapterResponse = AdapterResponse> {
  key: string
  value: R
  /** How long it may be served, in ms. */
  ttlMs: number
  /** Undefined where only the key is known. */
  feed: Feed | undefined
}

/** What to do with an offer: `value` is stored with this TTL, in ms. Without a value, the stored response gets this TTL. */
export interface Decision<R extends AdapterResponse = AdapterResponse> {
  value: R | undefined
  ttlMs: number
}

/** What a new value of a feed is compared with: it must not be older. */
export interface LastAccepted {
  served: AdapterResponse | undefined
  acceptedAsOf: number | undefined
}

/** Decides which responses are stored, by comparing them with what is cached. */
export interface Admission<R extends AdapterResponse = AdapterResponse> {
  /** Whether what it let in last must be stored before it is asked again. True for one that only looks at what is cached. */
  readonly takesTurns: boolean
  /**
   * @param current - what is cached
   * @param isAtOnce - whether what is let in is stored before the next call
   * @returns undefined when nothing is to be changed
   */
  admit(offer: Offer<R>, current: R | undefined, at: Instant, isAtOnce: boolean): Decision<R> | undefined
  /** What guards compare a value with. Default: the cached response, and the time of the last value that the feed accepted. */
  lastAccepted?(feed: Feed, at: Instant): LastAccepted
  noteAccepted?(feed: Feed, value: AdapterResponse): void
  /** Whether the cached response gets a new TTL when a transport says that its value is still valid. Default: always. */
  extend?(key: string, ttlMs: number, at: Instant): boolean
  /** The limits of a feed have changed: what is remembered of its values must not be used any more. */
  forget?(key: string): void
}

/** An admission that asks an author's rule (contract 8.6). */
export const compare = <R extends AdapterResponse>(
  shouldUpdate: (next: R, current?: R) => boolean,
): Admission<R> => ({
  takesTurns: true,
  admit: (offer, current) => (shouldUpdate(offer.value, current) ? offer : undefined),
})
