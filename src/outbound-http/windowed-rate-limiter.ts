import { overflowed } from '../metrics/bounds'
import { AdapterRateLimitError } from '../validation/errors'
import { UnwantedError } from './pending-request'
import { type Leaver } from './rate-limiter'
import { SlidingWindow } from './sliding-window'
import { type SpentStore } from './spent-store'
import { type AdapterRateLimitTier, type DeclaredWindow, longWindowsOf } from './tiers'
import { monotonicMs } from '../util/clock'

interface Waiter {
  readonly cost: number
  readonly isWanted: () => boolean
  admit: () => void
  refuse: (reason: unknown) => void
}

const HOUR_MS = 3_600_000

/** So many may wait. The requester has at most one here at a time; authors may have any number. */
const MAX_WAITERS = 10_000

/** The same rate with a whole number of credits: two and a half a minute are two in 48 seconds. */
export const inWhole = ({ lengthMs, limit }: DeclaredWindow): DeclaredWindow => {
  if (limit === Infinity) return { lengthMs, limit }
  const whole = Math.max(1, Math.floor(limit))
  return { lengthMs: (lengthMs * whole) / limit, limit: whole }
}

/** A window with room for less than one request gets another length: half a request per minute is one request in two minutes. */
const finite = (windows: readonly DeclaredWindow[]): DeclaredWindow[] =>
  windows
    .filter(({ limit }) => limit !== Infinity)
    .map((declared) => (declared.limit < 1 ? inWhole(declared) : declared))

/** Lets requests through in the order in which they came, while all of its windows have room. */
export class WindowedRateLimiter {
  private windows: SlidingWindow[] = []
  private readonly waiters = new Set<Waiter>()
  /** The declared windows of a minute and longer. */
  private declared: readonly DeclaredWindow[] = []
  private share = 1
  private startedAtMs = 0
  private long: SlidingWindow[] = []
  /** Gives back what counts as spent at the start because nothing is known of the time before. */
  private assumed: (() => void)[] = []
  private store: SpentStore | undefined
  private restoring: 'due' | 'running' | 'done' = 'done'

  /** How long a request that came now would have to wait, in ms. */
  msUntilNextExecution(): number {
    this.leaveStart()
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
    this.restoring = 'done'
    this.store = undefined
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

  /**
   * Keeps what is spent, so that the next process knows it, and learns what was spent by the last one before it lets the first request
   * through. Call it before the first request.
   */
  remember(store: SpentStore): void {
    if (this.declared.length === 0) return
    this.store = store
    this.restoring = 'due'
    if (this.long.length === 0) this.keepLong()
  }

  /**
   * @param paced - windows that nobody declared, and that of the second
   * @param tier - its windows of a minute and longer, and the share of those of an hour and longer that there is at the start
   */
  protected limit(paced: readonly DeclaredWindow[], tier?: AdapterRateLimitTier): void {
    this.stop()
    this.windows = finite(paced).map((window) => this.slidingOf(window))
    this.declared = finite(longWindowsOf(tier))
    this.share = tier?.startShare ?? 1
    this.startedAtMs = monotonicMs()
    this.long = []
    this.assumed = []
    if (this.keepsWindows === 'always' || this.share < 1) this.keepLong()
  }

  /** Whether the windows of a minute and longer are always looked at, or until they have passed once. */
  protected get keepsWindows(): 'always' | 'at first' {
    return 'always'
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
    if (this.restoring === 'due') void this.restore()
    if (this.waiters.size === 0 && this.hasRoomFor(credits)) return this.spend(credits)
    for (const window of this.windows) window.keepAlive(true)
    return new Promise((resolve, reject) => this.enter(credits, leaver, resolve, reject))
  }

  protected spend(credits: number): void {
    for (const window of this.windows) window.spend(credits)
    this.store?.add(credits)
  }

  private slidingOf({ lengthMs, limit }: DeclaredWindow): SlidingWindow {
    return new SlidingWindow(lengthMs, limit, () => this.letThrough())
  }

  private keepLong(): void {
    this.long = this.declared.map((window) => this.slidingOf(window))
    this.windows.push(...this.long)
    this.assumed = this.long
      .filter(({ lengthMs }) => lengthMs >= HOUR_MS && this.share < 1)
      .map((window) => window.occupy(window.limit * (1 - this.share), window.lengthMs))
  }

  /** Ends windows that have passed since the start, where they are looked at no longer than that. */
  private leaveStart(): void {
    if (this.keepsWindows === 'always' || this.long.length === 0) return
    const passedMs = monotonicMs() - this.startedAtMs
    const over = this.long.filter(({ lengthMs }) => passedMs >= lengthMs)
    if (over.length === 0) return
    for (const window of over) window.stop()
    this.long = this.long.filter((window) => !over.includes(window))
    this.windows = this.windows.filter((window) => !over.includes(window))
  }

  private async restore(): Promise<void> {
    this.restoring = 'running'
    const { long } = this
    const spent = await this.store?.read(long.map(({ lengthMs }) => lengthMs))
    if (this.restoring !== 'running') return
    this.restoring = 'done'
    if (spent !== undefined) for (const giveBack of this.assumed) giveBack()
    for (const [at, window] of long.entries())
      for (const { credits, backInMs } of spent?.[at] ?? []) window.occupy(credits, backInMs)
    this.letThrough()
  }

  private hasRoomFor(credits: number): boolean {
    this.leaveStart()
    return this.restoring === 'done' && this.windows.every((window) => window.hasRoomFor(credits))
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
    const [oldest] = this.waiters
    if (this.waiters.size >= MAX_WAITERS) oldest?.refuse(this.overflow())
    this.waiters.add(waiter)
    leaver?.signal.addEventListener('abort', leave)
  }

  private overflow(): Error {
    overflowed('rate_limit_waiters')
    return new AdapterRateLimitError({
      statusCode: 429,
      message: `More than ${MAX_WAITERS} requests wait for the rate limit`,
      msUntilNextExecution: this.msUntilNextExecution(),
    })
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
