import { ageMs, type Instant, later, leftMs } from '../util/clock'
import { isTrouble, type Reason } from '../validation/reason'
import { asRanked, isSameResponse, isSameValue, type Observation, observe } from './observation'
import { type Cause, goingOnFrom, mergedError } from './merged-error'
import { type MergedFeed, MergedFeeds } from './merged-feeds'
import { compareStandings, compareTimes } from './order'
import { type Patience } from './patience'
import { preferred, type Standings } from './preference'
import { type AdapterResponse } from './responses'

/** What is known of the sources beside their responses. Sources are named by their rank. */
export interface MergeOptions {
  /** See {@link Standings}. Default: all are in one tier. */
  tierOf: Standings['tierOf']
  /** What is wrong with the connection of a source now. Default: nothing. */
  outageOf: (rank: number) => Reason | undefined
  /** After this long without a response for a feed, a source does not count as healthy for it, in ms. Default: never. */
  silenceMs: number
  /** Called when a source sends an error; then it does not count as healthy for the feed. Default: does nothing. */
  onError: (rank: number, response: AdapterResponse) => void
  /** Called when a feed is served from another source than before (FO-8). Default: does nothing. */
  onSwitch: (move: SourceSwitch) => void
  /** How long an error is held back for the other sources. Default: not at all. */
  patience: Patience | undefined
}

/**
 * A feed moved from one source to another: the former is not healthy for it any more (`failed`), or the other one is preferred. That of two
 * healthy sources the later value is served is no such move.
 */
export interface SourceSwitch {
  key: string
  from: number
  to: number
  reason: 'failed' | 'preferred'
}

const DEFAULTS: MergeOptions = {
  tierOf: () => 0,
  outageOf: () => undefined,
  silenceMs: Infinity,
  onError: () => {},
  onSwitch: () => {},
  patience: undefined,
}

/** `value` is to be stored with this TTL, in ms. Without a value, the stored response is to get this TTL. */
export interface MergeDecision {
  value: AdapterResponse | undefined
  ttlMs: number
}

/** Whether an end is in the future by both clocks. */
const isAhead = (end: Instant, now: Instant): boolean => leftMs(end, now) > 0

const isError = (response: AdapterResponse): boolean => response.errorMessage !== undefined

/** How long the provider's request had taken when an error came, in ms; 0 where its times do not tell. */
const spentMs = ({ timestamps }: AdapterResponse, { unixMs }: Instant): number => {
  const { providerDataRequestedUnixMs: requested }: Partial<AdapterResponse['timestamps']> = timestamps ?? {}
  return requested !== undefined && requested > 0 ? Math.max(0, unixMs - requested) : 0
}

/**
 * Decides which value is served where several sources have the same feeds (contract 10.7): the {@link preferred} one of the newest live
 * values of all sources. A source's value is not replaced by another one of that source with the same provider's time, and equal times
 * never make the served value change to a source with a worse rank. Errors are served only while no source has a value, and only after
 * every source has sent something or the patience is over (contract 18.5). What is served depends on what the sources sent, and not on the
 * order in which it came (FO-4).
 */
export class Merge {
  private readonly feeds = new MergedFeeds()
  private readonly options: MergeOptions

  /** @param names - of the sources, the preferred one first */
  constructor(
    private readonly names: readonly string[],
    options: Partial<MergeOptions> = {},
  ) {
    this.options = { ...DEFAULTS, ...options }
  }

  get size(): number {
    return this.feeds.size
  }

  /** The newest live value of one source. */
  valueOf(key: string, rank: number, now: Instant): AdapterResponse | undefined {
    const value = this.feeds.get(key)?.values[rank]
    return value !== undefined && isAhead(value.expiresAt, now) ? value.response : undefined
  }

  /** Whether a source has a live value of this feed, and counts as healthy for it. */
  isHealthy(key: string, rank: number, now: Instant): boolean {
    const feed = this.feeds.get(key)
    const value = feed?.values[rank]
    return (
      feed !== undefined &&
      value !== undefined &&
      isAhead(value.expiresAt, now) &&
      this.stands(feed, value, now)
    )
  }

  /** Whether anything that a source sent for this feed is still remembered. */
  knows(key: string): boolean {
    return this.feeds.has(key)
  }

  /** The patience for a feed is over. Returns the errors of its sources where none of them has a value. */
  giveUp(key: string, now: Instant): AdapterResponse | undefined {
    const feed = this.feeds.get(key)
    if (feed === undefined) return undefined
    feed.isWaitOver = true
    return this.bestOf(feed, now, undefined) === undefined ? mergedError(this.causesOf(feed, now)) : undefined
  }

  /**
   * Takes a response of one source.
   *
   * @param current - what is cached for the feed
   * @param ttlMs - how long the response may be served
   */
  offer(
    of: { key: string; rank: number; response: AdapterResponse; ttlMs: number },
    current: AdapterResponse | undefined,
    now: Instant,
  ): MergeDecision | undefined {
    const { key, rank, response, ttlMs } = of
    const feed = this.feeds.take(key, now)
    let isConfirmed = false
    let offered: Observation | undefined
    if (isError(response)) {
      const error = { response, notedAt: now, expiresAt: later(now, ttlMs) }
      feed.errors[rank] = goingOnFrom(feed.errors[rank], error)
      this.options.onError(rank, response)
    } else {
      const next = observe(response, rank, now, ttlMs)
      const previous = feed.values[rank]
      const hasPrevious = previous !== undefined && isAhead(previous.expiresAt, now)
      if (hasPrevious) next.isTimed ||= previous.isTimed
      const order = hasPrevious ? compareTimes(next, previous) : 1
      // A reply without a provider's time is a new observation even within one millisecond.
      if (order > 0 || (order === 0 && !next.hasProviderTime)) feed.values[rank] = next
      else if (order < 0 || !isSameValue(response, previous!.response)) return undefined
      else {
        // FR-2: receiving the same value again confirms it, but does not make it newer.
        isConfirmed = true
        previous!.expiresAt = later(now, ttlMs)
        previous!.heardAt = now
      }
      feed.errors[rank] = undefined
      this.options.patience?.end(key)
      offered = feed.values[rank]
    }
    feed.expiresAt = Math.max(feed.expiresAt, now.monotonicMs + ttlMs)
    const best = this.bestOf(feed, now, offered)
    if (best === undefined) return this.errorDecision(feed, response, current, now, ttlMs)
    return this.settle(feed, best, current, isConfirmed && best.rank === rank, now)
  }

  /** A source confirms its value. True where that is the value that is stored. */
  extend(key: string, rank: number, ttlMs: number, now: Instant): boolean {
    const feed = this.feeds.get(key)
    const value = feed?.values[rank]
    if (feed === undefined || value === undefined || !isAhead(value.expiresAt, now)) return false
    value.expiresAt = later(now, ttlMs)
    value.heardAt = now
    feed.expiresAt = Math.max(feed.expiresAt, value.expiresAt.monotonicMs)
    return feed.written === value
  }

  /** Forgets everything about a feed, for example because the cache has lost its value. */
  forget(key: string): void {
    this.feeds.forget(key)
  }

  /** The last decision was not carried out: its value was not stored. */
  withdraw(key: string): void {
    const feed = this.feeds.get(key)
    if (feed !== undefined) feed.written = undefined
  }

  /** Whether a value was stored for this feed that has not expired yet. */
  expectsStored(key: string, now: Instant): boolean {
    const written = this.feeds.get(key)?.written
    return written !== undefined && isAhead(written.expiresAt, now)
  }

  private settle(
    feed: MergedFeed,
    best: Observation,
    current: AdapterResponse | undefined,
    isConfirmed: boolean,
    now: Instant,
  ): MergeDecision | undefined {
    const ttlMs = leftMs(best.expiresAt, now)
    const stored = current === undefined || isError(current) ? undefined : this.storedOf(feed, current, now)
    // Of two values of one source with equal times, the one that was received later is served (TM-4).
    const isSuccessor =
      stored !== undefined &&
      stored === feed.written &&
      stored !== best &&
      stored.rank === best.rank &&
      compareTimes(best, stored) === 0
    if (stored === undefined || isSuccessor || this.replaces(feed, best, stored)) {
      this.noteSwitch(feed, best, now)
      feed.written = best
      return { value: asRanked(best), ttlMs }
    }
    const isStored = stored.rank === best.rank && compareTimes(best, stored) === 0
    if (!isConfirmed || !isStored) return undefined
    feed.written = best
    return { value: undefined, ttlMs }
  }

  private noteSwitch(feed: MergedFeed, best: Observation, now: Instant): void {
    const { key, written } = feed
    if (written === undefined || written.rank === best.rank) return
    const isHealthy = isAhead(written.expiresAt, now) && this.stands(feed, written, now)
    if (isHealthy && written.isTimed && best.isTimed) return
    this.options.onSwitch({
      key,
      from: written.rank,
      to: best.rank,
      reason: isHealthy ? 'preferred' : 'failed',
    })
  }

  /**
   * What is cached, as an observation: one that was stored by us, or by somebody else (an earlier process, an author). What none of the
   * sources wrote has the rank -1: before all of them, so that it is not replaced at equal times.
   */
  private storedOf(feed: MergedFeed, current: AdapterResponse, now: Instant): Observation {
    const { written } = feed
    if (written !== undefined && isSameResponse(current, written.response)) return written
    return observe(current, this.names.indexOf(current.meta?.transportName ?? ''), now, 0)
  }

  /** By time only a later value replaces the stored one, or one of equal time and better rank (TM-1). Else any preferred value does. */
  private replaces(feed: MergedFeed, best: Observation, stored: Observation): boolean {
    const isByTime = stored !== feed.written || (best.isTimed && stored.isTimed)
    return isByTime ? compareStandings(best, stored) > 0 : best !== stored
  }

  private errorDecision(
    feed: MergedFeed,
    response: AdapterResponse,
    current: AdapterResponse | undefined,
    now: Instant,
    ttlMs: number,
  ): MergeDecision | undefined {
    // contract 17.4: an error never replaces a live success
    if (current !== undefined && !isError(current)) return undefined
    if (current === undefined && this.mayStillCome(feed, response, now)) return undefined
    feed.isWaitOver = true
    this.options.patience?.end(feed.key)
    const value = mergedError(this.causesOf(feed, now))
    return value && { value, ttlMs }
  }

  private mayStillCome(feed: MergedFeed, response: AdapterResponse, now: Instant): boolean {
    const { patience } = this.options
    if (feed.isWaitOver || patience === undefined) return false
    const haveAllSpoken = this.names.every(
      (_name, rank) => feed.values[rank] !== undefined || feed.errors[rank] !== undefined,
    )
    return !haveAllSpoken && patience.begin(feed.key, spentMs(response, now))
  }

  /** Why each source has no value, where it is known. */
  private causesOf(feed: MergedFeed, now: Instant): Cause[] {
    return this.names.flatMap((name, rank): Cause[] => {
      const error = feed.errors[rank]
      if (error !== undefined && (isAhead(error.expiresAt, now) || ageMs(error.notedAt, now) === 0))
        return [{ name, error }]
      const outage = this.options.outageOf(rank)
      return isTrouble(outage) ? [{ name, outage }] : []
    })
  }

  /** @param offered - counts even if its TTL is 0, because waiting requests get it */
  private bestOf(feed: MergedFeed, now: Instant, offered: Observation | undefined): Observation | undefined {
    const live: Observation[] = []
    for (const value of feed.values)
      if (value !== undefined && (isAhead(value.expiresAt, now) || value === offered)) live.push(value)
    if (live.length < 2) return live[0]
    const { tierOf } = this.options
    return preferred(live, { tierOf, isHealthy: (value) => this.stands(feed, value, now) })
  }

  private stands(feed: MergedFeed, { rank, heardAt }: Observation, now: Instant): boolean {
    const { silenceMs, outageOf } = this.options
    const error = feed.errors[rank]
    if (error !== undefined && isAhead(error.expiresAt, now)) return false
    return ageMs(heardAt, now) < silenceMs && !isTrouble(outageOf(rank))
  }
}
