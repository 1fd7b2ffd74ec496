import { compareTimes, type Standing } from '../../src/transports/peer/terms'

/** A value that one peer pushed for a feed. */
export interface Claim extends Standing {
  /** Who pushed it. */
  peer: string
  receivedAt: number
}

/**
 * Decides between peers that push the same feed: the better rank for as long as its last value is fresh, else the newer provider time.
 * Which of them came first never matters (TM-4); a single peer is never held back.
 */
export class Precedence {
  /** Goes with the feed itself, so that it takes no more room than those do. */
  private readonly last = new WeakMap<object, Claim>()

  /** @param freshForMs - for how long a value keeps worse ranks out */
  constructor(private readonly freshForMs: number) {}

  admits(feed: object, claim: Claim): boolean {
    const last = this.last.get(feed)
    if (last === undefined || last.peer === claim.peer) return true
    const age = claim.receivedAt - last.receivedAt
    // A clock that was set back must not keep anybody out until it has caught up.
    const isFresh = age >= 0 && age < this.freshForMs
    if (!isFresh || claim.rank < last.rank) return true
    if (claim.rank > last.rank) return false
    const later = compareTimes(claim, last)
    return later > 0 || (later === 0 && claim.peer < last.peer)
  }

  /** A value has been accepted. One that was refused must not be told here: it would keep better ones out. */
  note(feed: object, claim: Claim): void {
    this.last.set(feed, claim)
  }
}
