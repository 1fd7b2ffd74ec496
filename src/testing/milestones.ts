import { guarded, type Settle } from './guard'

interface Milestone {
  isReached: () => boolean
  settle: Settle<void>
}

/** Waits for a state. Whoever changes the state says so by {@link look}. */
export class Milestones {
  private readonly awaited = new Set<Milestone>()

  /** @param seen - what there is so far, for the messages of waits that fail */
  constructor(
    private readonly seen: () => string,
    private readonly guardMs: number | undefined,
  ) {}

  look(): void {
    for (const milestone of this.awaited) if (milestone.isReached()) milestone.settle.resolve()
  }

  /**
   * @param what - what is waited for, in words
   * @throws Error after the guard time, with what was waited for and what was seen instead
   */
  async until(what: string, isReached: () => boolean): Promise<void> {
    if (isReached()) return
    let milestone: Milestone | undefined
    const forget = () => void (milestone && this.awaited.delete(milestone))
    const describe = () => `${what}; seen: ${this.seen()}`
    const begin = (settle: Settle<void>) => {
      milestone = { isReached, settle }
      this.awaited.add(milestone)
      return forget
    }
    await guarded<void>({ guardMs: this.guardMs, describe, begin }).finally(forget)
  }
}
