type Callback<T> = () => Promise<T>

/**
 * Runs callbacks in groups: up to `groupSize` of them at once, and the next group when all of the last have settled (contract 11).
 * A way to go easy on RPC nodes.
 */
export class GroupRunner {
  private group: Promise<unknown>[] = []
  /** Settled when everybody who came earlier has started. */
  private earlier: Promise<void> = Promise.resolve()

  constructor(private readonly groupSize: number) {}

  /** Resolves, or rejects, as the callback does; that one runs when there is room for it. */
  run<T>(callback: Callback<T>): Promise<T> {
    return new Promise<T>((resolve) => {
      this.earlier = this.earlier.then(async () => {
        await this.room()
        const running = (async () => callback())()
        this.group.push(running)
        // A failure is the caller's: the group only waits for the end.
        resolve(running)
      })
    })
  }

  /** A function that calls `func` as {@link run} does. */
  wrapFunction<Args extends unknown[], Return>(
    func: (...args: Args) => Promise<Return>,
  ): (...args: Args) => Promise<Return> {
    return (...args) => this.run(() => func(...args))
  }

  private async room(): Promise<void> {
    if (this.group.length < Math.max(1, this.groupSize)) return
    await Promise.allSettled(this.group)
    this.group = []
  }
}
