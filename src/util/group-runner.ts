type Callback<T> = () => Promise<T>

/**
 * Runs callbacks in groups: up to `groupSize` of them at once, and the next group when all of the last have settled (contract 11).
 * It limits the load on RPC nodes.
 */
export class GroupRunner {
  private group: Promise<unknown>[] = []
  /** Settled when all callbacks that came earlier have started. */
  private earlier: Promise<void> = Promise.resolve()

  constructor(private readonly groupSize: number) {}

  /** Runs the callback when there is room for it, and settles as the callback does. */
  run<T>(callback: Callback<T>): Promise<T> {
    return new Promise<T>((resolve) => {
      this.earlier = this.earlier.then(async () => {
        await this.room()
        const running = (async () => callback())()
        this.group.push(running)
        // The caller gets a failure. The group only waits until the callback has settled.
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
