import { UnwantedError } from './pending-request'
import { type Leaver } from './rate-limiter'
import { SlidingWindow } from './sliding-window'

interface Waiter {
  readonly cost: number
  readonly isWanted: () => boolean
  admit: () => void
  refuse: (reason: unknown) => void
}

/** The same rate with a whole number of credits: two and a half a minute are two in 48 seconds. */
export const inWhole = ({ lengthMs, limit }: { lengthMs: number; limit: number }) => {
  const whole = Math.max(1, Math.floor(limit))
  return { lengthMs: (lengthMs * whole) / limit, limit: whole }
}

/** Lets requests through in the order in which they came, while all of its windows have room. */
export class WindowedRateLimiter {
  private windows: SlidingWindow[] = []
  private readonly waiters = new Set<Waiter>()

  /** How long a request that came now would have to wait, in ms. */
  msUntilNextExecution(): number {
    return Math.max(0, ...this.windows.map((window) => window.msUntilRoomFor(1)))
  }

  /** How long requests of these costs take together, again and again, in ms (RL-8). */
  msFor(costs: readonly (number | undefined)[]): number {
    const credits = costs.reduce<number>((sum, cost) => sum + this.creditsFor(cost), 0)
    return Math.max(0, ...this.windows.map(({ lengthMs, limit }) => (lengthMs * credits) / limit))
  }

  /** Forgets all requests that wait (their promises never settle), and leaves no timer. */
  stop(): void {
    this.waiters.clear()
    for (const window of this.windows) window.stop()
  }

  /**
   * The credits of a request that was let through are counted from when the returned function is called: it had not reached the provider
   * before (RL-2 is about what the provider sees).
   */
  hold(cost: number | undefined): () => void {
    const held = this.windows.map((window) => window.hold(this.creditsFor(cost)))
    return () => {
      for (const { release } of held) release()
    }
  }

  /** A window with room for less than one request gets another length: half a request per minute is one request in two minutes. */
  protected limit(of: { lengthMs: number; limit: number }[]): void {
    this.stop()
    this.windows = of
      .filter(({ limit }) => limit !== Infinity)
      .map((declared) => (declared.limit < 1 ? inWhole(declared) : declared))
      .map(({ lengthMs, limit }) => new SlidingWindow(lengthMs, limit, () => this.letThrough()))
  }

  /** What a request costs here. A cost that is not a number, or is negative, counts as 1. */
  protected creditsFor(cost: number | undefined): number {
    return typeof cost === 'number' && Number.isFinite(cost) && cost >= 0 ? cost : 1
  }

  protected get limits(): readonly SlidingWindow[] {
    return this.windows
  }

  protected async admit(cost: number | undefined, leaver?: Leaver): Promise<void> {
    const credits = this.creditsFor(cost)
    if (this.waiters.size === 0 && this.hasRoomFor(credits)) return this.spend(credits)
    for (const window of this.windows) window.keepAlive(true)
    return new Promise((resolve, reject) => this.enter(credits, leaver, resolve, reject))
  }

  protected spend(credits: number): void {
    for (const window of this.windows) window.spend(credits)
  }

  private hasRoomFor(credits: number): boolean {
    return this.windows.every((window) => window.hasRoomFor(credits))
  }

  private enter(
    cost: number,
    leaver: Leaver | undefined,
    resolve: () => void,
    reject: (reason: unknown) => void,
  ): void {
    const settle = (outcome: () => void): void => {
      this.waiters.delete(waiter)
      leaver?.signal.removeEventListener('abort', leave)
      outcome()
    }
    const leave = (): void => {
      waiter.refuse(leaver?.signal.reason)
      // It may have been the first one, and dearer than the one behind it.
      this.letThrough()
    }
    const waiter: Waiter = {
      cost,
      isWanted: () => leaver?.isWanted ?? true,
      admit: () => settle(resolve),
      refuse: (reason) => settle(() => reject(reason)),
    }
    this.waiters.add(waiter)
    leaver?.signal.addEventListener('abort', leave)
  }

  private letThrough(): void {
    for (let [next] = this.waiters; next !== undefined && this.hasRoomFor(next.cost); [next] = this.waiters) {
      if (next.isWanted()) {
        this.spend(next.cost)
        next.admit()
      } else next.refuse(new UnwantedError())
    }
    if (this.waiters.size === 0) for (const window of this.windows) window.keepAlive(false)
  }
}
