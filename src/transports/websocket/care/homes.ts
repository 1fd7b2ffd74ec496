/**
 * Which connection each feed is at home on, where one connection carries at most `size` feeds: 0 is the main one. A feed keeps its home while it
 * is wanted, so that adding or removing one moves no other (SB-8).
 */
export class Homes {
  private readonly homes = new Map<string, number>()
  private readonly counts: number[] = []

  constructor(readonly size: number) {}

  /** 0 for a feed that is not wanted. */
  of(feed: string): number {
    return this.homes.get(feed) ?? 0
  }

  /** Frees the places of feeds that are not wanted any more, and gives one to each that is new: on the first connection that has room. */
  assign(wanted: readonly string[]): void {
    const isWanted = new Set(wanted)
    for (const [feed, home] of this.homes) {
      if (isWanted.has(feed)) continue
      this.homes.delete(feed)
      this.counts[home]!--
    }
    let home = 0
    for (const feed of wanted) {
      if (this.homes.has(feed)) continue
      while ((this.counts[home] ?? 0) >= this.size) home++
      this.counts[home] = (this.counts[home] ?? 0) + 1
      this.homes.set(feed, home)
    }
  }
}
