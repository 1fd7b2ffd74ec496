interface Urgent {
  cost: number | undefined
  leave: () => void
}

/** The urgent requests in the queue: one of them may be given what a request before it has waited for. */
export class Overtaking {
  private readonly waiting = new Set<Urgent>()

  /** Gives away the right to send a request of this cost. False when no urgent request wants it. */
  give(cost: number | undefined): boolean {
    const [first] = this.waiting
    if (first === undefined || first.cost !== cost) return false
    this.waiting.delete(first)
    first.leave()
    return true
  }

  /**
   * Resolves when the request may be sent: its turn has come, or it was given another's.
   *
   * @param turn - waits for the turn, says when that has begun, and leaves the queue when its signal aborts
   */
  async take(
    cost: number | undefined,
    signal: AbortSignal,
    turn: (hasBegun: () => void, leaving: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const leaving = new AbortController()
    const cancel = (): void => leaving.abort(signal.reason)
    let wasGiven = false
    const urgent: Urgent = {
      cost,
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
