/** When a subscribed feed counts as silent. Durations are in milliseconds. */
export interface SilenceTerms {
  /** For so long a feed may be without its first value. */
  firstDataMs: number
  /** A feed is silent when nothing has come for so many times its usual interval, */
  intervals: number
  /** but never sooner than this. */
  leastMs: number
  /** For so long a feed of whose interval too little is known may be without a value: as long as a value lives. */
  lifeMs: number
  /** The longest time between two attempts to wake the same feed. */
  maxMs: number
  /** So many feeds at most are found silent at one look, so that asking for them again is spread. */
  perLook: number
}

export const SILENCE_TERMS: SilenceTerms = {
  firstDataMs: 15_000,
  intervals: 10,
  leastMs: 15_000,
  lifeMs: Infinity,
  maxMs: 600_000,
  perLook: 2,
}

/** What is known of the silence of a feed. */
export interface Silence {
  /** How often it has been asked for again since something came for it. */
  readonly asks: number
  readonly hasSpoken: boolean
  /** Whether others on the connection were heard while it was silent. */
  readonly othersSpoke: boolean
  /** When something came for it last; before that, when it was subscribed first. */
  readonly sinceMs: number
  /** When it is asked for again. */
  readonly nextMs: number
}

/** How much has been written for a feed so far, as its values' keeper counts it. */
export interface Tally {
  readonly sets: number
  /** Whether the keeper has forgotten the feed: it counts anew then, elsewhere. */
  readonly isForgotten: boolean
}

/** What is remembered of each subscribed feed. Times are whole ms, which take the least memory. */
interface Heard<F> {
  readonly of: F
  tally: Tally
  writes: number
  hasSpoken: boolean
  /** When something came last; before that, when it was subscribed last. */
  heardMs: number
  sinceMs: number
  /** When it was subscribed or asked for last. */
  askedMs: number
  asks: number
  /** The last ones, in ms: of each look its average. */
  intervals: number[] | undefined
  /** How many intervals were seen in all. */
  beats: number
  othersSpoke: boolean
}

/** So many feeds are looked at in one look, and of more a twelfth, because nothing is silent before 15 seconds have passed. */
const MOST_AT_ONCE = 500
const LOOKS_FOR_ALL = 12

/** From so many intervals on a feed has a cadence, however few looks they came in: many feeds are forgotten soon. */
const FEWEST_INTERVALS = 3
/** No more are kept. */
const MOST_INTERVALS = 5

const median = (numbers: readonly number[] = []): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Infinity

/**
 * Finds the feeds of a connection that have gone silent (SB-6): by their own cadence, as far as it is known, and only while others are
 * heard. It is asked now and then, and compares how much was written for each feed; nothing is done per message. All its times are by one
 * monotonic clock, whatever that counts from.
 */
export class SilenceJudge<F = string> {
  private readonly feeds = new Map<string, Heard<F>>()
  /** Where the looks at very many feeds have come to. */
  private turns: Iterator<[string, Heard<F>]> | undefined
  private lastHeardMs = -Infinity

  /** @param tallyOf - finds the tally of a feed that the keeper has forgotten, by what was given when it was subscribed */
  constructor(
    readonly terms: SilenceTerms = SILENCE_TERMS,
    private readonly tallyOf: (of: F) => Tally | undefined = () => undefined,
  ) {}

  get size(): number {
    return this.feeds.size
  }

  /** What was given for a feed when it was subscribed first; undefined where it was not. */
  get(feed: string): F | undefined {
    return this.feeds.get(feed)?.of
  }

  /** A feed was subscribed, for the first time or on another connection. Its cadence stays known. */
  subscribed(feed: string, of: F, tally: Tally, now: number): void {
    const nowMs = Math.round(now)
    const known = this.feeds.get(feed)
    if (known !== undefined) {
      known.askedMs = nowMs
      if (known.asks === 0) known.heardMs = nowMs
      return
    }
    this.feeds.set(feed, {
      of,
      tally,
      writes: tally.sets,
      hasSpoken: false,
      heardMs: nowMs,
      sinceMs: nowMs,
      askedMs: nowMs,
      asks: 0,
      intervals: undefined,
      beats: 0,
      othersSpoke: false,
    })
  }

  /** Forgets all feeds that are not wanted any more. */
  keepOnly(isWanted: (feed: string) => boolean): void {
    for (const feed of this.feeds.keys()) if (!isWanted(feed)) this.feeds.delete(feed)
  }

  /** The feeds that should be asked for again now. */
  look(now: number): string[] {
    const nowMs = Math.round(now)
    const turn = this.nextTurn()
    for (const [, heard] of turn) {
      const writes = this.writesOf(heard)
      if (writes !== heard.writes) note(heard, writes, nowMs)
      if (heard.hasSpoken && heard.heardMs > this.lastHeardMs) this.lastHeardMs = heard.heardMs
    }
    const silent: string[] = []
    for (const [feed, heard] of turn) {
      if (silent.length >= this.terms.perLook) break
      if (this.isSilent(heard, nowMs, this.lastHeardMs)) silent.push(feed)
    }
    return silent
  }

  private writesOf(heard: Heard<F>): number {
    if (heard.tally.isForgotten) {
      heard.tally = this.tallyOf(heard.of) ?? heard.tally
      heard.writes = heard.tally.sets
    }
    return heard.tally.sets
  }

  /** All feeds; of very many a part, so that a look costs little, and all have had their turn after a few. */
  private nextTurn(): [string, Heard<F>][] {
    const { size } = this.feeds
    const count = Math.max(MOST_AT_ONCE, Math.ceil(size / LOOKS_FOR_ALL))
    if (size <= count) return [...this.feeds]
    const turn: [string, Heard<F>][] = []
    const turns = (this.turns ??= this.feeds.entries())
    while (turn.length < count) {
      const next = turns.next()
      if (next.done === true) {
        this.turns = undefined
        break
      }
      turn.push(next.value)
    }
    return turn
  }

  /** A feed is asked for again. @returns how often that has been so since something came for it */
  asked(feed: string, now: number): number {
    const heard = this.feeds.get(feed)
    if (heard === undefined) return 0
    // The one that was asked for goes to the end, so that each has its turn.
    this.feeds.delete(feed)
    this.feeds.set(feed, heard)
    heard.askedMs = Math.round(now)
    return ++heard.asks
  }

  /** What is known of a feed that was asked for again in vain; undefined for all others. */
  silenceOf(feed: string): Silence | undefined {
    const heard = this.feeds.get(feed)
    if (heard === undefined || heard.asks === 0 || this.writesOf(heard) !== heard.writes) return undefined
    const { asks, hasSpoken, othersSpoke, sinceMs } = heard
    return { asks, hasSpoken, othersSpoke, sinceMs, nextMs: heard.askedMs + this.patienceOf(heard) }
  }

  private isSilent(heard: Heard<F>, nowMs: number, lastHeardMs: number): boolean {
    const { firstDataMs, leastMs } = this.terms
    const sinceMs = nowMs - Math.max(heard.heardMs, heard.askedMs)
    // Nearly all feeds tick, and need no more than this.
    if (sinceMs < Math.min(firstDataMs, leastMs)) return false
    const patienceMs = this.patienceOf(heard)
    if (sinceMs < patienceMs) return false
    heard.othersSpoke = lastHeardMs > Math.max(heard.heardMs, nowMs - patienceMs / 2)
    // Where nothing comes for anybody, the connection is in trouble, not the feed.
    return heard.othersSpoke || !heard.hasSpoken
  }

  /** Whether it has had values, but so few that it may as well be one that seldom has any. */
  isSeldom(feed: string): boolean {
    const heard = this.feeds.get(feed)
    return heard?.hasSpoken === true && heard.beats < FEWEST_INTERVALS
  }

  private patienceOf({ hasSpoken, intervals, beats, asks }: Heard<F>): number {
    const { firstDataMs, leastMs, lifeMs, maxMs, intervals: many } = this.terms
    const usual = beats < FEWEST_INTERVALS ? lifeMs : many * median(intervals)
    const first = hasSpoken ? Math.max(leastMs, usual) : firstDataMs
    return Math.max(first, Math.min(first * 2 ** Math.max(0, asks - 1), maxMs))
  }
}

const note = (heard: Heard<unknown>, writes: number, nowMs: number): void => {
  if (heard.hasSpoken && heard.asks === 0 && writes > heard.writes) {
    const intervals = (heard.intervals ??= [])
    intervals.push((nowMs - heard.heardMs) / (writes - heard.writes))
    heard.beats += writes - heard.writes
    if (intervals.length > MOST_INTERVALS) intervals.shift()
  }
  heard.writes = writes
  heard.hasSpoken = true
  heard.heardMs = nowMs
  heard.sinceMs = nowMs
  heard.asks = 0
}
