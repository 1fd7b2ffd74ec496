import { type Link } from './link'

/**
 * The places of a listener's links. Those of peers that are known are their own; a stranger keeps its place only as long as nobody else
 * needs one. Of strangers the address that has most of them gives one up, its oldest.
 */
export class Places {
  private readonly links = new Set<Link>()
  private readonly strangers = new Set<Link>()

  constructor(private readonly max: number) {}

  /** Whether a new link would find no place. */
  get areTaken(): boolean {
    return this.links.size >= this.max && this.strangers.size === 0
  }

  /** @returns the link that has to go for it, if one has to */
  take(link: Link, isStranger: boolean): Link | undefined {
    const crowdedOut = this.links.size >= this.max ? this.leastKnown() : undefined
    if (crowdedOut !== undefined) this.give(crowdedOut)
    this.links.add(link)
    if (isStranger) this.strangers.add(link)
    // One that ended during a pause has its place until what it sent has been read.
    void link.closed.then(() => this.give(link))
    return crowdedOut
  }

  keep(link: Link): void {
    this.strangers.delete(link)
  }

  private give(link: Link): void {
    this.links.delete(link)
    this.strangers.delete(link)
  }

  private leastKnown(): Link | undefined {
    const byHost = new Map<string, Link[]>()
    for (const link of this.strangers)
      byHost.set(link.peer.host, [...(byHost.get(link.peer.host) ?? []), link])
    const [crowd] = [...byHost.values()].sort((a, b) => b.length - a.length)
    return crowd?.[0]
  }
}
