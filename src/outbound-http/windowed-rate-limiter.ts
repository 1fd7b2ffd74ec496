import { SlidingWindow } from './sliding-window'

interface Waiter {
  cost: number
  resolve: () => void
}

/** A cost that is not a number, or is negative, counts as 1. */
const creditsOf = (cost: number | undefined): number =>
  typeof cost === 'number' && Number.isFinite(cost) && cost >= 0 ? cost : 1

/** Lets requests through in the order in which they came, while all of its windows have room. */
export class WindowedRateLimiter {
  private windows: SlidingWindow[] = []
  private readonly waiters: Waiter[] = []

  /** How long a request that came now would have to wait, in ms. */
  msUntilNextExecution(): number {
    return Math.max(0, ...this.windows.map((window) => window.msUntilOpen()))
  }

  /** Forgets all requests that wait (their promises never settle), and leaves no timer. */
  stop(): void {
    this.waiters.length = 0
    for (const window of this.windows) window.stop()
  }

  /** For a limit with a fraction the window gets another length: half a request per minute is one request in two minutes. */
  protected limit(of: { lengthMs: number; limit: number }[]): void {
    this.stop()
    this.windows = of
      .filter(({ limit }) => limit !== Infinity)
      .map(({ lengthMs, limit }) => {
        const whole = Math.max(1, Math.floor(limit))
        return new SlidingWindow((lengthMs * whole) / limit, whole, () => this.letThrough())
      })
  }

  protected get limits(): readonly SlidingWindow[] {
    return this.windows
  }

  protected async admit(cost: number | undefined): Promise<void> {
    const credits = creditsOf(cost)
    if (this.waiters.length === 0 && this.isOpen()) return this.spend(credits)
    const admitted = new Promise<void>((resolve) => this.waiters.push({ cost: credits, resolve }))
    for (const window of this.windows) window.keepAlive(true)
    return admitted
  }

  protected spend(credits: number): void {
    for (const window of this.windows) window.spend(credits)
  }

  private isOpen(): boolean {
    return this.windows.every((window) => window.isOpen)
  }

  private letThrough(): void {
    for (let [next] = this.waiters; next !== undefined && this.isOpen(); [next] = this.waiters) {
      this.waiters.shift()
      this.spend(next.cost)
      next.resolve()
    }
    if (this.waiters.length === 0) for (const window of this.windows) window.keepAlive(false)
  }
}
