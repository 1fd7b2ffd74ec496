import { type Leaver } from './rate-limiter'

interface Urgent {
  cost: number | undefined
  isWanted: () => boolean
  leave: () => void
}

/** The urgent requests in the queue. A request that has its turn may give its permission to send to one of them. */
export class Overtaking {
  private readonly waiting = new Set<Urgent>()

  /** Gives the permission to send to the first urgent request that is wanted. False when there is none, or it has another cost. */
  give(cost: number | undefined): boolean {
    const first = [...this.waiting].find(({ isWanted }) => isWanted())
    if (first === undefined || first.cost !== cost) return false
    this.waiting.delete(first)
    first.leave()
    return true
  }

  /**
   * Resolves when the request may be sent: its own turn has come, or another request gave it the permission.
   *
   * @param turn - waits for the turn and the budget, calls `hasBegun` when the turn begins, and leaves the queue when `leaving` aborts
   */
  async take(
    { cost, pending }: { cost: number | undefined; pending: Leaver },
    turn: (hasBegun: () => void, leaving: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { signal } = pending
    const leaving = new AbortController()
    const cancel = (): void => leaving.abort(signal.reason)
    let wasGiven = false
    const urgent: Urgent = {
      cost,
      isWanted: () => pending.isWanted,
      leave: () => {
        wasGiven = true
        leaving.abort()
      },
    }
    if (signal.aborted) cancel()
    signal.addEventListener('abort', cancel)
    this.waiting.add(urgent)
    try {
      await turn(() => this.waiting.delete(urgent), leaving.signal)
    } catch (error) {
      if (!wasGiven) throw error
    } finally {
      this.waiting.delete(urgent)
      signal.removeEventListener('abort', cancel)
    }
  }
}
