import { ExpiryHeap } from '../util/expiry-heap'
import { isSameResponse, isSameValue, type Observation, observe } from './observation'
import { compareStandings, compareTimes } from './order'
import { type AdapterResponse } from './responses'

/** Feeds remembered at most; beyond that the one that expires first is forgotten. */
const MAX_FEEDS = 50_000

/** Ranks before all sources: whoever wrote a response that none of them did is not replaced at equal times. */
const FOREIGN_RANK = -1

interface SourceError {
  response: AdapterResponse
  notedAt: number
  expiresAt: number
}

/** What the sources last said of one feed. */
interface MergedFeed {
  key: string
  /** When all of it will have expired. */
  expiresAt: number
  values: (Observation | undefined)[]
  errors: (SourceError | undefined)[]
  /** What was stored last. */
  written: Observation | undefined
}

/** Store `value`, or (without one) give what is stored another TTL. */
export interface MergeDecision {
  value: AdapterResponse | undefined
  ttlMs: number
}

const isError = (response: AdapterResponse): boolean => response.errorMessage !== undefined

/**
 * Several sources of the same feeds, and which of their values is served (contract 10.7): of each source's newest value, for as long as
 * that may live, the one of the latest time; at equal times the one of the source that comes first. An equal time with another value is
 * no news from the same source, and never makes the served value flip to a source behind. Errors are served only while no source has a
 * value. What is served follows from what the sources said, not from the order in which they did (FO-4).
 */
export class Merge {
  private readonly feeds = new Map<string, MergedFeed>()
  private readonly expiries = new ExpiryHeap<MergedFeed>()

  /** @param names - the sources, the preferred one first */
  constructor(private readonly names: readonly string[]) {}

  get size(): number {
    return this.feeds.size
  }

  /** The newest live value of one source. */
  valueOf(key: string, rank: number, now: number): AdapterResponse | undefined {
    const value = this.feeds.get(key)?.values[rank]
    return value !== undefined && value.expiresAt > now ? value.response : undefined
  }

  /**
   * Takes a response of one source.
   *
   * @param current - what is cached for the feed
   * @param ttlMs - for how long the response may be served
   */
  offer(
    of: { key: string; rank: number; response: AdapterResponse; ttlMs: number },
    current: AdapterResponse | undefined,
    now: number,
  ): MergeDecision | undefined {
    const { key, rank, response, ttlMs } = of
    const feed = this.feedOf(key, now)
    let isConfirmed = false
    let offered: Observation | undefined
    if (isError(response)) {
      feed.errors[rank] = { response, notedAt: now, expiresAt: now + ttlMs }
    } else {
      const next = observe(response, rank, now, ttlMs)
      const previous = feed.values[rank]
      const hasPrevious = previous !== undefined && previous.expiresAt > now
      const later = hasPrevious ? compareTimes(next, previous) : 1
      // A reply without a provider's time is a new observation even within one millisecond.
      if (later > 0 || (later === 0 && !next.hasProviderTime)) feed.values[rank] = next
      else if (later < 0 || !isSameValue(response, previous!.response)) return undefined
      else {
        // FR-2: to receive the same again is to have it confirmed, and makes it no newer.
        isConfirmed = true
        previous!.expiresAt = now + ttlMs
      }
      feed.errors[rank] = undefined
      offered = feed.values[rank]
    }
    feed.expiresAt = Math.max(feed.expiresAt, now + ttlMs)
    const best = bestOf(feed, now, offered)
    if (best === undefined) return this.errorDecision(feed, current, now, ttlMs)
    return this.settle(feed, best, current, isConfirmed && best.rank === rank, now)
  }

  /** A source says that its value still holds. True when that is the value that is stored. */
  extend(key: string, rank: number, ttlMs: number, now: number): boolean {
    const feed = this.feeds.get(key)
    const value = feed?.values[rank]
    if (feed === undefined || value === undefined || value.expiresAt <= now) return false
    value.expiresAt = now + ttlMs
    feed.expiresAt = Math.max(feed.expiresAt, value.expiresAt)
    return feed.written === value
  }

  /** The cache has lost what it was told of this feed: what is not known there is not known here. */
  forget(key: string): void {
    const feed = this.feeds.get(key)
    if (feed !== undefined) this.drop(feed)
  }

  /** What was decided last was not stored after all. */
  withdraw(key: string): void {
    const feed = this.feeds.get(key)
    if (feed !== undefined) feed.written = undefined
  }

  /** Whether something was stored for this feed that should still be there. */
  expectsStored(key: string, now: number): boolean {
    const written = this.feeds.get(key)?.written
    return written !== undefined && written.expiresAt > now
  }

  private settle(
    feed: MergedFeed,
    best: Observation,
    current: AdapterResponse | undefined,
    isConfirmed: boolean,
    now: number,
  ): MergeDecision | undefined {
    const ttlMs = best.expiresAt - now
    const stored = current === undefined || isError(current) ? undefined : this.storedOf(feed, current, now)
    // From the same source the later received wins (TM-4), where it came to that.
    const isSuccessor =
      stored !== undefined &&
      stored === feed.written &&
      stored !== best &&
      stored.rank === best.rank &&
      compareTimes(best, stored) === 0
    if (stored === undefined || isSuccessor || compareStandings(best, stored) > 0) {
      feed.written = best
      return { value: best.response, ttlMs }
    }
    const isStored = stored.rank === best.rank && compareTimes(best, stored) === 0
    if (!isConfirmed || !isStored) return undefined
    feed.written = best
    return { value: undefined, ttlMs }
  }

  /** What is cached, as an observation: our own, or one that somebody else stored (an earlier process, an author). */
  private storedOf(feed: MergedFeed, current: AdapterResponse, now: number): Observation {
    const { written } = feed
    if (written !== undefined && isSameResponse(current, written.response)) return written
    const source = this.names.indexOf(current.meta?.transportName ?? '')
    return observe(current, source === -1 ? FOREIGN_RANK : source, now, 0)
  }

  private errorDecision(
    feed: MergedFeed,
    current: AdapterResponse | undefined,
    now: number,
    ttlMs: number,
  ): MergeDecision | undefined {
    // contract 17.4: an error never replaces a live success
    if (current !== undefined && !isError(current)) return undefined
    const errors = feed.errors.flatMap((error, rank) =>
      error !== undefined && (error.expiresAt > now || error.notedAt === now) ? [{ ...error, rank }] : [],
    )
    const first = errors[0]
    if (first === undefined) return undefined
    const { timestamps } = errors.reduce((a, b) => (b.notedAt > a.notedAt ? b : a)).response
    const messages = new Set(errors.map(({ response }) => response.errorMessage))
    if (messages.size === 1) return { value: { ...first.response, timestamps }, ttlMs }
    // FO-7: each source's reason and time
    const errorMessage = errors
      .map(({ response, rank, notedAt }) => {
        const at = new Date(notedAt).toISOString()
        return `${this.names[rank] ?? rank}: ${response.errorMessage} (${response.statusCode}, ${at})`
      })
      .join('; ')
    return { value: { ...first.response, errorMessage, timestamps } as AdapterResponse, ttlMs }
  }

  private feedOf(key: string, now: number): MergedFeed {
    for (let old = this.expiries.popExpired(now); old !== undefined; old = this.expiries.popExpired(now))
      this.feeds.delete(old.key)
    let feed = this.feeds.get(key)
    if (feed === undefined) {
      const soonest = this.feeds.size >= MAX_FEEDS ? this.expiries.popEarliest() : undefined
      if (soonest !== undefined) this.feeds.delete(soonest.key)
      feed = { key, expiresAt: now, values: [], errors: [], written: undefined }
      this.feeds.set(key, feed)
      this.expiries.push(feed)
    }
    return feed
  }

  private drop(feed: MergedFeed): void {
    this.feeds.delete(feed.key)
    this.expiries.remove(feed)
  }
}

/** @param offered - counts even if it may not be stored for any time at all: requests that wait get it all the same */
const bestOf = (feed: MergedFeed, now: number, offered: Observation | undefined): Observation | undefined => {
  let best: Observation | undefined
  for (const value of feed.values) {
    if (value === undefined || (value.expiresAt <= now && value !== offered)) continue
    if (best === undefined || compareStandings(value, best) > 0) best = value
  }
  return best
}
