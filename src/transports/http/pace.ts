import { Requester } from '../../outbound-http/requester'
import { monotonicMs } from '../../util/clock'
import { sleep } from '../../util/sleep'

/** By this much at most a pass counts as later than it began: what it sends is on its way until the first answer comes. */
const MAX_TRANSIT_MS = 250

/** So long after it was sent a request without an answer no longer keeps the next pass waiting. */
const LATE_MS = 1_000

/**
 * How the passes of a transport follow each other, where its requester is courteous: no closer than the floor, which holds for every single
 * request as well, and without waiting for a request that is late. Elsewhere a pass ends with its last request, and the next one
 * begins at once (contract 10.5).
 */
export class Pace {
  private readonly requester: Requester | undefined
  private readonly floorMs: number
  private readonly askedAtMs = new Map<string, number>()
  private beganAtMs = -Infinity
  private passAtMs = -Infinity

  /** @param requester - authors' tests give transports one of their own */
  constructor(requester?: unknown) {
    const ours = requester instanceof Requester ? requester : undefined
    this.requester = ours?.courtesy === undefined ? undefined : ours
    this.floorMs = ours?.courtesy?.passMs ?? 0
  }

  /** A pass begins. */
  begin(): void {
    if (this.floorMs > 0) this.requester?.warmUp()
    this.beganAtMs = this.passAtMs = monotonicMs()
    for (const [key, at] of this.askedAtMs) if (this.passAtMs - at >= this.floorMs) this.askedAtMs.delete(key)
  }

  /** Whether a pass may send this request now; it counts as sent then. The one before may still be without an answer. */
  admits(key: string): boolean {
    return !(this.requester?.isInFlight(key) ?? false) && this.mayAsk(key, this.passAtMs)
  }

  /** Whether a request may be sent beside the passes; it counts as sent then. */
  admitsBeside(key: string): boolean {
    return this.mayAsk(key, monotonicMs())
  }

  /** How long a pass over these and all other requests of the adapter takes within the rate limit, in ms; 0 where nothing is known. */
  msFor(requests: readonly { cost?: number | undefined }[]): number {
    return (
      this.requester?.msForPass(
        this,
        requests.map(({ cost }) => cost),
      ) ?? 0
    )
  }

  /** Waits until the next pass may begin. */
  rest(signal: AbortSignal): Promise<void> | undefined {
    const leftMs = this.passAtMs + this.floorMs - monotonicMs()
    return leftMs > 0 ? sleep(leftMs, signal) : undefined
  }

  /** The outcome of a request, or `whenLate` if it is late. The request goes on. */
  async outcomeOf<T>(key: string, outcome: Promise<T>, whenLate: T): Promise<T> {
    const { requester } = this
    if (requester === undefined) return outcome
    if (this.floorMs > 0) void outcome.then(() => this.reached())
    const over = new AbortController()
    const late = async (): Promise<T> => {
      await requester.hasLeftQueue(key)
      // Other hosts are not paused: their requests do not wait for it.
      if (requester.pauseOf(key) === undefined) await sleep(LATE_MS, over.signal)
      return requester.isInFlight(key) ? whenLate : outcome
    }
    return Promise.race([outcome, late()]).finally(() => over.abort())
  }

  /** The first answer of a pass: the provider saw the pass no later than now. */
  private reached(): void {
    if (this.passAtMs === this.beganAtMs)
      this.passAtMs = Math.min(monotonicMs(), this.beganAtMs + MAX_TRANSIT_MS)
  }

  private mayAsk(key: string, now: number): boolean {
    if (this.floorMs === 0) return true
    const askedAtMs = this.askedAtMs.get(key) ?? -Infinity
    if (now - askedAtMs < this.floorMs) return false
    this.askedAtMs.set(key, now)
    return true
  }
}
