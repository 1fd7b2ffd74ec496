import { type SubscriptionDeltas } from '../../streaming-transport'

/** Gives the main connection its share of what is wanted: all but the feeds that are kept off it, because they are elsewhere or nowhere. */
export class Placement<P> {
  /** Wanted feeds that are kept off the main connection. */
  private apart = new Map<string, P>()
  /** Feeds that were kept off and are to be subscribed on it now. */
  private readonly joining = new Map<string, P>()

  /**
   * @param isAway - whether a feed is kept off the main connection now
   * @param isNobodyAway - whether that cannot be so for any feed
   */
  constructor(
    private readonly idOf: (params: P) => string,
    private readonly isAway: (id: string) => boolean,
    private readonly isNobodyAway: () => boolean,
  ) {}

  /** The params of a wanted feed that is kept off. */
  paramsOf(id: string): P | undefined {
    return this.apart.get(id)
  }

  /** The changes to make on the main connection. */
  divide(all: SubscriptionDeltas<P>): SubscriptionDeltas<P> {
    if (this.apart.size === 0 && this.joining.size === 0 && this.isNobodyAway()) return all
    const were = this.apart
    const desired = this.sort(all.desired)
    const isNews = (params: P) => {
      const id = this.idOf(params)
      return !this.apart.has(id) && !this.joining.has(id)
    }
    return {
      desired,
      new: [...all.new.filter(isNews), ...this.joining.values()],
      stale: all.stale.filter((params) => !were.has(this.idOf(params))),
    }
  }

  /** These feeds have been subscribed on the main connection. */
  sent(feeds: readonly P[]): void {
    if (this.joining.size > 0) for (const params of feeds) this.joining.delete(this.idOf(params))
  }

  private sort(desired: P[]): P[] {
    const apart = new Map<string, P>()
    const joining = new Set<string>()
    const here = desired.filter((params) => {
      const id = this.idOf(params)
      if (this.isAway(id)) return !apart.set(id, params)
      if (this.apart.has(id) || this.joining.has(id)) {
        joining.add(id)
        this.joining.set(id, params)
      }
      return true
    })
    for (const id of this.joining.keys()) if (!joining.has(id)) this.joining.delete(id)
    this.apart = apart
    return here
  }
}
