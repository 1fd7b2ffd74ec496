/** Which wanted feeds are to be asked for, where another transport may fill them (FO-6). */
export class StandbyFeeds<P extends object> {
  private isNeeded: (params: P) => boolean = () => true
  private idle = new Set<P>()

  /** Asks no longer for other feeds than those that `isNeeded` says. */
  leave(isNeeded: (params: P) => boolean): void {
    this.isNeeded = isNeeded
  }

  /** Those of some feeds that nobody else fills. */
  among(feeds: P[]): P[] {
    return feeds.filter((params) => this.isNeeded(params))
  }

  /** Those of all wanted feeds that nobody else fills. */
  neededOf(wanted: P[]): P[] {
    const needed = this.among(wanted)
    this.idle = needed.length === wanted.length ? new Set() : without(wanted, needed)
    return needed
  }

  /** Feeds that were filled by somebody else when {@link neededOf} looked, and are so no longer. */
  takeRoused(): P[] {
    const roused = this.among([...this.idle])
    for (const params of roused) this.idle.delete(params)
    return roused
  }
}

const without = <P>(all: P[], some: P[]): Set<P> => {
  const rest = new Set(all)
  for (const one of some) rest.delete(one)
  return rest
}
