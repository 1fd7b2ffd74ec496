/** Decides which wanted feeds to request, where another transport may fill them (FO-6). */
export class StandbyFeeds<P extends object> {
  private isNeeded: (params: P) => boolean = () => true
  private idle = new Set<P>()

  /** Sets the function that decides which feeds are requested. */
  leave(isNeeded: (params: P) => boolean): void {
    this.isNeeded = isNeeded
  }

  /** Those of these feeds that no other transport fills. */
  among(feeds: P[]): P[] {
    return feeds.filter((params) => this.isNeeded(params))
  }

  /** Those of all wanted feeds that no other transport fills. */
  neededOf(wanted: P[]): P[] {
    const needed = this.among(wanted)
    this.idle = needed.length === wanted.length ? new Set() : without(wanted, needed)
    return needed
  }

  /** Feeds that another transport filled when {@link neededOf} was called, and no longer fills. */
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
