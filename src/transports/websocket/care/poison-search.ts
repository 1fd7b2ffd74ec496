import { type KnownRoom } from '../../../feeds/feed-rooms'
import { WeighedMap } from '../../../feeds/weighed-map'

/** How a search goes on. Durations are in milliseconds. */
export interface PoisonTerms {
  /** Up to so many suspects are subscribed together once more, because one close may have any cause. */
  fewSuspects: number
  /** Up to so many feeds are tried at once without any hint that one of them is bad. Beyond this, it is a quarter of them. */
  fewAtOnce: number
  /** No more than so many fit on one connection. */
  mostAtOnce: number
  /** The first time between two trials of a feed in quarantine, the longest, and what it grows by. */
  quarantine: { minMs: number; maxMs: number; factor: number }
}

export const POISON_TERMS: PoisonTerms = {
  fewSuspects: 12,
  fewAtOnce: 32,
  mostAtOnce: Infinity,
  quarantine: { minMs: 60_000, maxMs: 30 * 60_000, factor: 3 },
}

/** Feeds to be subscribed on a connection without other feeds, to see whether it lives. */
export interface Probe {
  readonly feeds: readonly string[]
  /** The feed is in quarantine, and is let in again if the connection lives. */
  readonly isReadmission: boolean
}

/** A feed at whose subscription the provider closes the connection. Times by the monotonic clock, except `sinceUnixMs`. */
export interface Quarantined {
  readonly sinceUnixMs: number
  readonly kills: number
  readonly pauseMs: number
  readonly nextMs: number
}

/** So often a feed has to end a connection that it had to itself, or on which it alone was not answered. */
const KILLS = 2
/** After so many trials that prove nothing, one after the other, the provider itself is in trouble. */
const MAX_VOID = 2
/** So many closes soon after subscribing feeds that were all good before make these feeds suspects, too. */
const UNEXPLAINED = 3
const MAX_QUARANTINED = 10_000
/**
 * After so many deaths in a row of which the answers told nothing, or something wrong, they do not tell who ends a connection: the provider
 * accepts a feed, and closes then.
 */
const MAX_MISLED = 2

/**
 * Finds the feeds at whose subscription the provider closes the connection (SB-5), by bisection. It only decides: who is suspect after a
 * close, what to try next, who is guilty. Its owner holds the connections, and lets a death count only if another connection, without the
 * feeds of the trial, lived through it: in an outage every connection dies, whatever is subscribed.
 *
 * A suspect is in the pool, of which nothing is known, or in a group of which one feed at least is bad. Of a bad group the first half is
 * tried. If it lives, the other half is bad; if not, the other half returns to the pool, where it will most likely be acquitted at once.
 */
export class PoisonSearch {
  private readonly suspects = new Set<string>()
  private readonly quarantine = new WeighedMap<string, Quarantined>({
    limit: MAX_QUARANTINED,
    bound: 'quarantined_feeds',
    room: () => this.room(),
  })
  /** Feeds that were subscribed once without harm. */
  private readonly trusted = new Set<string>()
  /** How many connections have ended soon after a feed was subscribed, since it was last trusted. */
  private readonly strikes = new Map<string, number>()
  private readonly kills = new Map<string, number>()
  private pool: string[] = []
  /** Groups of which one feed at least is bad; the first is divided now. */
  private bad: string[][] = []
  private atOnce = 0
  private unexplained = 0
  private voids = 0
  /** What the answers of the last trial have pointed at, and how often that was wrong. */
  private accused: readonly string[] = []
  private misled = 0

  /** @param room - for the names of what is in quarantine, once there is one */
  constructor(
    private readonly terms: PoisonTerms = POISON_TERMS,
    private readonly room: () => KnownRoom | undefined = () => undefined,
  ) {}

  get isSearching(): boolean {
    return this.suspects.size > 0
  }

  /** Whether no feed is kept off the connection. */
  get isIdle(): boolean {
    return this.suspects.size === 0 && this.quarantine.size === 0
  }

  get suspectCount(): number {
    return this.suspects.size
  }

  /** Whether a feed must not be subscribed beside others now. */
  isAway(feed: string): boolean {
    return this.suspects.has(feed) || this.quarantine.has(feed)
  }

  isSuspect(feed: string): boolean {
    return this.suspects.has(feed)
  }

  sentenceOf(feed: string): Quarantined | undefined {
    return this.quarantine.get(feed)
  }

  /** A feed was subscribed beside others without harm: a value came, or the connection lived on. */
  trust(feed: string): void {
    this.trusted.add(feed)
    this.strikes.delete(feed)
  }

  /** Everything on the connection has been there for long enough. */
  calm(): void {
    this.unexplained = 0
  }

  /**
   * The connection that has the feeds without suspicion was closed.
   *
   * @param last - what was subscribed on it a moment before, and brought nothing since
   * @param earlier - the same for what was subscribed a little longer before: suspect only if nothing of the last is
   * @returns the feeds that are suspects from now on
   */
  closed(last: readonly string[], earlier: readonly string[] = []): readonly string[] {
    const isUntried = (feed: string) => !this.trusted.has(feed)
    const latest = last.filter(isUntried)
    const untried = latest.length > 0 ? latest : earlier.filter(isUntried)
    const recent = [...last, ...earlier]
    if (this.isSearching && untried.length === 0) this.nothingProven()
    const concerned = untried.length > 0 ? untried : this.surprised(recent)
    for (const feed of concerned) this.strikes.set(feed, (this.strikes.get(feed) ?? 0) + 1)
    const isMany = concerned.length > this.terms.fewSuspects
    const suspects = concerned.filter((feed) => isMany || this.strikes.get(feed)! > 1)
    this.suspect(suspects)
    return suspects
  }

  /** Whether the answers to subscriptions have told so far who ends a connection. */
  get trustsAnswers(): boolean {
    return this.misled < MAX_MISLED
  }

  /**
   * What to try next; undefined if nothing has to be tried now.
   *
   * @param isStepwise - whether the feeds of a trial are subscribed one after the other, so that its answers tell which of them ends it: then
   *   as many are tried as fit
   */
  next(nowMs: number, isWanted: (feed: string) => boolean, isStepwise = false): Probe | undefined {
    const { pool, atOnce } = this
    const [bad = []] = this.bad
    const few = bad.length > 0 ? bad : pool
    const usual = bad.length > 0 ? Math.ceil(bad.length / 2) : atOnce
    const count = isStepwise && this.trustsAnswers ? this.terms.mostAtOnce : usual
    if (few.length > 0) return { feeds: few.slice(0, count), isReadmission: false }
    for (const [feed, { nextMs }] of this.quarantine)
      if (nextMs <= nowMs && isWanted(feed)) return { feeds: [feed], isReadmission: true }
    return undefined
  }

  /** The connection of a trial lived: its feeds are innocent. */
  lived({ feeds }: Probe): void {
    this.voids = 0
    if (this.accused.length > 0 && this.accused.every((feed) => feeds.includes(feed))) {
      this.misled++
      this.accused = []
    }
    this.remove(feeds)
    for (const feed of feeds) {
      this.quarantine.delete(feed)
      this.trust(feed)
    }
  }

  /**
   * The connection of a trial was closed, while one without its feeds lived.
   *
   * @param unanswered - those of its feeds that were subscribed and not accepted: if there are any, the cause is most likely among them
   */
  died(
    { feeds, isReadmission }: Probe,
    nowMs: number,
    nowUnixMs: number,
    unanswered: readonly string[] = feeds,
  ): void {
    this.voids = 0
    const tells = unanswered.length > 0 && unanswered.length < feeds.length
    const close = tells && this.trustsAnswers ? unanswered : feeds
    if (!tells && feeds.length > 1) this.misled++
    this.accused = close.length < feeds.length ? close : []
    const [only] = close
    if (close.length === 1 && only !== undefined) {
      const kills = (this.kills.get(only) ?? 0) + 1
      this.kills.set(only, kills)
      if (isReadmission || kills >= KILLS) return this.convict(only, nowMs, nowUnixMs)
    }
    const guilty = close.filter((feed) => this.suspects.has(feed))
    const isGuilty = new Set(guilty)
    const isTried = new Set(feeds)
    const isDivided = this.bad[0]?.some((feed) => isTried.has(feed)) === true
    const divided = isDivided ? this.bad.shift()! : []
    this.pool = [...new Set([...this.pool, ...divided])].filter((feed) => !isGuilty.has(feed))
    // Nobody may want them any more.
    if (guilty.length > 0) this.bad.unshift(guilty)
  }

  /** A trial proved nothing: it could not be made, or no other connection lived meanwhile. */
  provedNothing({ feeds, isReadmission }: Probe, nowMs: number): void {
    if (!isReadmission) return this.nothingProven()
    for (const feed of feeds) {
      const sentence = this.quarantine.get(feed)
      if (sentence !== undefined) this.quarantine.set(feed, { ...sentence, nextMs: nowMs + sentence.pauseMs })
    }
  }

  /** Feeds that nobody wants any more. What is in quarantine stays known, for when it is wanted again. */
  forget(feeds: readonly string[]): void {
    this.remove(feeds)
    for (const feed of feeds) {
      this.trusted.delete(feed)
      this.strikes.delete(feed)
    }
  }

  /** Forgets, in the same way, all feeds that are not wanted. */
  keepOnly(isWanted: (feed: string) => boolean): void {
    const known = new Set([...this.trusted, ...this.strikes.keys(), ...this.suspects])
    const gone = [...known].filter((feed) => !isWanted(feed))
    if (gone.length > 0) this.forget(gone)
  }

  /** Nothing is looked for any more. */
  stop(): void {
    this.quarantine.close()
  }

  private surprised(recent: readonly string[]): readonly string[] {
    if (recent.length === 0 || ++this.unexplained < UNEXPLAINED) return []
    this.unexplained = 0
    for (const feed of recent) {
      this.trusted.delete(feed)
      // They have had their second chance.
      this.strikes.set(feed, 1)
    }
    return recent
  }

  private suspect(feeds: readonly string[]): void {
    if (feeds.length === 0) return
    for (const feed of feeds) {
      this.suspects.add(feed)
      this.trusted.delete(feed)
    }
    const { fewAtOnce, mostAtOnce } = this.terms
    if (feeds.length <= Math.min(fewAtOnce, mostAtOnce)) this.bad.push([...feeds])
    else this.pool.push(...feeds)
    this.atOnce = Math.min(mostAtOnce, Math.max(fewAtOnce, Math.ceil(this.pool.length / 4)))
  }

  private nothingProven(): void {
    if (++this.voids < MAX_VOID) return
    this.voids = 0
    this.remove([...this.suspects])
  }

  private convict(feed: string, nowMs: number, nowUnixMs: number): void {
    this.misled = 0
    this.accused = []
    const { minMs, maxMs, factor } = this.terms.quarantine
    const before = this.quarantine.get(feed)
    const pauseMs = before === undefined ? minMs : Math.min(before.pauseMs * factor, maxMs)
    const kills = (before?.kills ?? KILLS - 1) + 1
    const sinceUnixMs = before?.sinceUnixMs ?? nowUnixMs
    this.remove([feed])
    this.quarantine.set(feed, { sinceUnixMs, kills, pauseMs, nextMs: nowMs + pauseMs })
  }

  private remove(feeds: readonly string[]): void {
    const gone = new Set(feeds)
    for (const feed of feeds) {
      this.suspects.delete(feed)
      this.kills.delete(feed)
      this.strikes.delete(feed)
    }
    this.pool = this.pool.filter((feed) => !gone.has(feed))
    this.bad = this.bad
      .map((group) => group.filter((feed) => !gone.has(feed)))
      .filter((group) => group.length > 0)
  }
}
