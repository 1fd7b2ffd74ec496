import { compareStandings, isAhead, type Standing } from '../../src/transports/peer/terms'

/** Feeds whose newest price is known by heart; of others the cache is asked. */
const MAX_FEEDS = 10_000

/** Prices of one feed that wait for the cache to answer. */
const MAX_WAITING = 100

/** A price that wants to be the newest of its feed. */
export interface Offer {
  /** When it was seen, and the rank of its signer among the listed ones. Of one signer the later received wins at equal times (TM-4). */
  place: Standing
  /** The latest time that a price may have by our clock, in Unix ms. */
  latest: number
  /**
   * Called when it is not older than the newest: at once, or when the cache has answered.
   *
   * @returns whether it has become what is served. A price that a guard refused does not make older ones old
   */
  take: () => boolean
}

/** `older_than_current`, or `unknown-feed`: too many are new at once. */
export type OrderRefusal = 'older_than_current' | 'unknown-feed'

/**
 * Keeps every feed from going back in time (versia-websocket 5): by the price that was taken last, and for a feed that is new to this
 * process by the one that a cache has which outlived the last process.
 */
export class PriceOrder {
  private readonly newest = new Map<string, Standing>()
  /** Feeds that the cache is being asked about, with what came meanwhile: which of it the guards let through shows only then. */
  private readonly asking = new Map<string, Offer[]>()

  /**
   * @param storedTime - the time of the price that is stored for a feed, in Unix ms. A rejection: nothing is known
   * @param refuse - counts a price that is not taken
   */
  constructor(
    private readonly storedTime: (feedKey: string) => Promise<number | undefined>,
    private readonly refuse: (reason: OrderRefusal) => void,
  ) {}

  offer(feedKey: string, offer: Offer): void {
    const waiting = this.asking.get(feedKey)
    if (waiting !== undefined) {
      if (waiting.length >= MAX_WAITING) return this.refuse('unknown-feed')
      return void waiting.push(offer)
    }
    const newest = this.newest.get(feedKey)
    if (newest !== undefined) return this.decide(feedKey, offer, newest)
    if (this.asking.size >= MAX_FEEDS) return this.refuse('unknown-feed')
    this.asking.set(feedKey, [offer])
    void this.ask(feedKey)
  }

  private async ask(feedKey: string): Promise<void> {
    const stored = await this.storedTime(feedKey).catch(() => undefined)
    const offers = this.asking.get(feedKey) ?? []
    this.asking.delete(feedKey)
    // The signer of the stored price is not known: at an equal time any signer's price replaces it.
    const first: Standing = { timeUnixMs: stored ?? -Infinity, rank: Infinity }
    for (const offer of offers) this.decide(feedKey, offer, this.newest.get(feedKey) ?? first)
  }

  private decide(feedKey: string, { place, latest, take }: Offer, newest: Standing): void {
    // TM-3: a time ahead of our clock was taken while that was wrong, and counts for nothing.
    const isVoid = isAhead(newest.timeUnixMs, latest, 0)
    if (!isVoid && compareStandings(place, newest) < 0) {
      this.remember(feedKey, newest)
      this.refuse('older_than_current')
    } else this.remember(feedKey, take() ? place : newest)
  }

  /** In the order of the last offer: the newest is at the end. */
  private remember(feedKey: string, place: Standing): void {
    this.newest.delete(feedKey)
    this.newest.set(feedKey, place)
    if (this.newest.size <= MAX_FEEDS) return
    const [oldest] = this.newest.keys()
    if (oldest !== undefined) this.newest.delete(oldest)
  }
}
