import { lazyRule, Retry } from '../../connections/retry'
import { exponentialBackoff } from '../../util/backoff'

interface Limits {
  minMs: number
  maxMs: number
}

const growing = lazyRule<Limits, { delayMs: number }>(({ minMs, maxMs }) =>
  exponentialBackoff({ minMs, maxMs, factor: 2 }),
)

/** Repeats what failed after intervals that grow, separately for each key (RL-3). */
export class HoldOff {
  private readonly held = new Map<string, Retry<Limits>>()
  private isStopped = false

  /** @param onOpen - called when one of the intervals is over */
  constructor(private readonly onOpen: () => void) {}

  isHeld(key: string): boolean {
    return this.held.get(key)?.isWaiting ?? false
  }

  /** Begins the next interval of a key; the first one is about `minMs`. Returns its length. */
  failed(key: string, minMs: number, maxMs: number): number {
    if (this.isStopped) return 0
    const retry = this.held.get(key) ?? new Retry(growing)
    this.held.set(key, retry)
    return retry.again({ minMs, maxMs }, this.onOpen).delayMs
  }

  succeeded(key: string): void {
    this.held.get(key)?.stop()
    this.held.delete(key)
  }

  /** Forgets keys that are not requested any more, except those that are still held. */
  retain(isKept: (key: string) => boolean): void {
    for (const [key, retry] of this.held) if (!retry.isWaiting && !isKept(key)) this.held.delete(key)
  }

  stop(): void {
    this.isStopped = true
    for (const retry of this.held.values()) retry.stop()
  }
}
