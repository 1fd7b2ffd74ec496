import { type Backoff, between, exponentialBackoff } from '../util/backoff'

/** Why a URL is no longer used: the set is closed, because it is the label of a metric. */
export type LeaveReason = 'failed' | 'closed' | 'unresponsive' | 'returned' | 'withdrawn'

/** What one failure counts. Half of it is left after one dwell time. */
const FAILURE = 1
/** A connection that was useful and then closed says little about its URL: two soon after each other count as a failure. */
const CLOSE_AFTER_USE = 0.4
/** From here on a URL is not chosen while there is a better one. */
const SICK = 0.5
/** However long a URL was out of order, it is forgiven within a few dwell times. */
const MAX_SCORE = 4

export interface UrlChoiceOptions {
  /** How long a URL that is not the preferred one is used at least, before a better one is tried. */
  dwellMs: number
  /** No two trials of a better URL are further apart than this. At least `dwellMs`. */
  maxPauseMs: number
  /** The pauses of one URL after attempts that failed. Starts again after a connection that lived for one dwell time. */
  backoff: Backoff
  /** Source of jitter, in [0, 1). Default: `Math.random`. */
  random?: () => number
}

/** How a connection, or an attempt at one, failed. */
export interface UrlFailure {
  reason: LeaveReason
  /** How long it was open. Default: it was not. */
  livedMs?: number
  /** Whether values came. Default false. */
  wasUseful?: boolean
}

interface Candidate {
  readonly url: string
  /** Failures, halved once per dwell time. */
  score: number
  scoredAtMs: number
  backoff: Backoff
  restsUntilMs: number
  triedAtMs: number
  /** The pauses before it is probed, for a return to it. */
  returning: Backoff
  mayReturnAtMs: number
}

/**
 * Chooses among the URLs of one provider, in order of preference, by what is remembered of each (FO-1). A URL in use is kept until it fails,
 * or until a better one has been probed with success. A failure is forgotten by half in every dwell time. After a failure the best healthy
 * URL is next; where none is healthy, the one that was tried longest ago, each no sooner than its own back-off allows.
 *
 * Times are in ms on the monotonic clock and are given by the caller. It opens nothing.
 */
export class UrlChoice {
  /** In order of preference. */
  private candidates: Candidate[] = []
  private current: Candidate | undefined
  private isHeld = false
  /** When a failure last made us come to the current URL. */
  private cameAtMs = -Infinity
  private next: Candidate | undefined
  private probing: { candidate: Candidate; sinceMs: number } | undefined
  private reason: LeaveReason = 'withdrawn'

  constructor(private readonly options: UrlChoiceOptions) {}

  /** Why the last URL in use was, or is to be, left. */
  get leaveReason(): LeaveReason {
    return this.reason
  }

  /** Takes the URLs in order of preference. What is known of a URL stays while it is in the list. */
  list(urls: readonly string[], nowMs: number): void {
    const { candidates } = this
    if (urls.length === candidates.length && urls.every((url, at) => url === candidates[at]!.url)) return
    const known = new Map(candidates.map((candidate) => [candidate.url, candidate]))
    this.candidates = [...new Set(urls)].map((url) => known.get(url) ?? this.unknown(url, nowMs))
    if (this.current !== undefined && !this.candidates.includes(this.current)) this.left('withdrawn')
    if (this.next !== undefined && !this.candidates.includes(this.next)) this.next = undefined
  }

  /** The URL to use now, and how long to wait before it may be tried. */
  choose(nowMs: number): { url: string; waitMs: number } {
    if (this.current !== undefined && this.isHeld) {
      if (this.next !== undefined) return { url: this.next.url, waitMs: 0 }
      return { url: this.current.url, waitMs: 0 }
    }
    const chosen = this.pick(nowMs)
    return { url: chosen.url, waitMs: Math.max(0, chosen.restsUntilMs - nowMs) }
  }

  /** A connection to this URL is being opened. Returns the URL that was in use before, if that was another one. */
  use(url: string, nowMs: number): string | undefined {
    const candidate = this.candidates.find((one) => one.url === url)
    if (candidate === undefined) return undefined
    const { current: former } = this
    candidate.triedAtMs = nowMs
    if (candidate === former && this.isHeld) return undefined
    if (this.isHeld && former !== undefined) {
      this.reason = 'returned'
      // Otherwise a list whose order changes all the time could move us to and fro.
      former.mayReturnAtMs = Math.max(former.mayReturnAtMs, nowMs + this.options.dwellMs)
    } else if (candidate !== former) this.cameAtMs = nowMs
    this.current = candidate
    this.isHeld = true
    this.next = undefined
    return former === candidate ? undefined : former?.url
  }

  /** A connection to this URL, or an attempt at one, has failed. */
  failed(url: string, nowMs: number, { reason, livedMs = 0, wasUseful = false }: UrlFailure): void {
    const candidate = this.candidates.find((one) => one.url === url)
    if (candidate === undefined) return
    const { dwellMs, maxPauseMs, backoff } = this.options
    if (livedMs >= dwellMs) candidate.backoff = backoff
    if (livedMs >= maxPauseMs) candidate.returning = this.pauses()
    if (candidate === this.current) this.left(reason)
    // It was to be moved to while the one in use goes on.
    if (candidate === this.next) this.next = undefined
    this.blame(candidate, nowMs, nowMs, wasUseful ? CLOSE_AFTER_USE : FAILURE)
  }

  /** The better URL that is to be probed now, if there is one. The caller reports what came of it to {@link probed}. */
  probe(nowMs: number): string | undefined {
    if (!this.isHeld || this.probing !== undefined || this.next !== undefined) return undefined
    if (nowMs - this.cameAtMs < this.options.dwellMs) return undefined
    const better = this.candidates.slice(0, this.candidates.indexOf(this.current!))
    const candidate = better.find(({ mayReturnAtMs }) => mayReturnAtMs <= nowMs)
    if (candidate === undefined) return undefined
    this.probing = { candidate, sinceMs: nowMs }
    candidate.triedAtMs = nowMs
    return candidate.url
  }

  /** What came of the probe. After a good one, {@link choose} gives that URL. */
  probed(isGood: boolean, nowMs: number): void {
    const { probing } = this
    if (probing === undefined) return
    this.probing = undefined
    const { candidate, sinceMs } = probing
    // The next pause counts from the beginning of the probe, so that a slow one does not make the way back longer.
    if (!isGood) return this.blame(candidate, nowMs, sinceMs, FAILURE)
    candidate.score = 0
    candidate.restsUntilMs = nowMs
    const { candidates, current } = this
    const isListed = candidates.includes(candidate)
    if (isListed && this.isHeld && candidates.indexOf(candidate) < candidates.indexOf(current!))
      this.next = candidate
  }

  private pick(nowMs: number): Candidate {
    // One that is being probed is not dialled a second time meanwhile, unless the list has no other any more.
    const others = this.candidates.filter((candidate) => candidate !== this.probing?.candidate)
    const candidates = others.length > 0 ? others : this.candidates
    const healthy = candidates.find((candidate) => this.scoreOf(candidate, nowMs) < SICK)
    if (healthy !== undefined) return healthy
    const rested = candidates.filter(({ restsUntilMs }) => restsUntilMs <= nowMs)
    if (rested.length > 0) return rested.reduce((a, b) => (b.triedAtMs < a.triedAtMs ? b : a))
    return candidates.reduce((a, b) => (b.restsUntilMs < a.restsUntilMs ? b : a))
  }

  private blame(candidate: Candidate, nowMs: number, pauseFromMs: number, weight: number): void {
    candidate.score = Math.min(this.scoreOf(candidate, nowMs) + weight, MAX_SCORE)
    candidate.scoredAtMs = nowMs
    const rest = candidate.backoff.next()
    candidate.backoff = rest.next
    candidate.restsUntilMs = nowMs + rest.delayMs
    const pause = candidate.returning.next()
    candidate.returning = pause.next
    candidate.mayReturnAtMs = pauseFromMs + pause.delayMs
  }

  private left(reason: LeaveReason): void {
    if (!this.isHeld) return
    this.reason = reason
    this.isHeld = false
    this.next = undefined
  }

  private scoreOf({ score, scoredAtMs }: Candidate, nowMs: number): number {
    return score === 0 ? 0 : score * 0.5 ** ((nowMs - scoredAtMs) / this.options.dwellMs)
  }

  /** Up to a quarter longer than the nominal pause, so that many processes do not return at the same moment. */
  private pauses(): Backoff {
    const { dwellMs, maxPauseMs, random } = this.options
    const jitter = between(1, 1.25)
    const maxMs = Math.max(dwellMs, maxPauseMs / 1.25)
    return exponentialBackoff({ minMs: dwellMs, maxMs, factor: 2, jitter, ...(random && { random }) })
  }

  private unknown(url: string, nowMs: number): Candidate {
    const { backoff, dwellMs } = this.options
    return {
      url,
      score: 0,
      scoredAtMs: nowMs,
      backoff,
      restsUntilMs: nowMs,
      triedAtMs: -Infinity,
      returning: this.pauses(),
      mayReturnAtMs: nowMs + dwellMs,
    }
  }
}
