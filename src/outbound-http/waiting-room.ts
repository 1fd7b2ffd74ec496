import { monotonicMs } from '../util/clock'

interface Waiter<T> {
  of: T
  sinceMs: number
  admit: () => void
  refuse: (error: Error) => void
}

/** Those who wait for something, in the order in which they came. It has no timer. */
export class WaitingRoom<T> {
  private readonly waiters = new Set<Waiter<T>>()

  /** @param max - how many may wait; when one more comes, the one that has waited longest is refused */
  constructor(
    private readonly max: number,
    private readonly overflow: () => Error,
  ) {}

  /**
   * Resolves when {@link admitFirst} lets it go. Rejects when it is refused, and with the signal's reason when that aborts.
   *
   * @param of - what {@link admitFirst} returns of it
   */
  wait(of: T, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        this.waiters.delete(waiter)
        signal.removeEventListener('abort', leave)
        outcome()
      }
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the signal's own reason
      const leave = (): void => settle(() => reject(signal.reason))
      const waiter: Waiter<T> = {
        of,
        sinceMs: monotonicMs(),
        admit: () => settle(resolve),
        refuse: (error) => settle(() => reject(error)),
      }
      if (signal.aborted) return leave()
      signal.addEventListener('abort', leave)
      this.waiters.add(waiter)
      const [oldest] = this.waiters
      if (this.waiters.size > this.max) oldest?.refuse(this.overflow())
    })
  }

  /** Lets the one go that has waited longest, if there is one. */
  admitFirst(): T | undefined {
    const [first] = this.waiters
    first?.admit()
    return first?.of
  }

  /** Refuses all who will have waited for longer than `limitMs` in `moreMs` from now. */
  refuseLate(moreMs: number, limitMs: number, refusal: () => Error): void {
    const latestMs = monotonicMs() + moreMs - limitMs
    for (const waiter of [...this.waiters]) if (waiter.sinceMs < latestMs) waiter.refuse(refusal())
  }
}
