import { type Backoff, exponentialBackoff } from '../../util/backoff'
import { Gate } from '../../util/gate'

interface Held {
  readonly gate: Gate
  backoff: Backoff
}

/**
 * What failed is tried again at a growing interval, each key by itself (RL-3). Timers end the intervals, not the clock.
 */
export class HoldOff {
  private readonly held = new Map<string, Held>()
  private isStopped = false

  /** @param onOpen - called when one of the intervals is over */
  constructor(private readonly onOpen: () => void) {}

  isHeld(key: string): boolean {
    return this.held.get(key)?.gate.isClosed ?? false
  }

  /** Begins the next interval of a key; the first one is about `minMs`. Returns its length. */
  failed(key: string, minMs: number, maxMs: number): number {
    if (this.isStopped) return 0
    let held = this.held.get(key)
    if (held === undefined) {
      held = { gate: new Gate(), backoff: exponentialBackoff({ minMs, maxMs, factor: 2 }) }
      this.held.set(key, held)
    }
    const { delayMs, next } = held.backoff.next()
    held.backoff = next
    held.gate.close(delayMs, this.onOpen)
    return delayMs
  }

  succeeded(key: string): void {
    this.held.get(key)?.gate.stop()
    this.held.delete(key)
  }

  /** Forgets keys that nobody asks for any more, unless they are held still. */
  retain(isKept: (key: string) => boolean): void {
    for (const [key, { gate }] of this.held) if (!gate.isClosed && !isKept(key)) this.held.delete(key)
  }

  stop(): void {
    this.isStopped = true
    for (const { gate } of this.held.values()) gate.stop()
  }
}
