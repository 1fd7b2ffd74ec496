import { MAX_TIMER_MS } from './sleep'

/**
 * A gate that a timer opens, for back-offs. It never reads the wall clock, so it works even where that stands still.
 * It starts open.
 */
export class Gate {
  private readonly waiters = new Set<(isOpen: boolean) => void>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private onOpen: (() => void) | undefined
  private closed = false
  private isStopped = false

  get isClosed(): boolean {
    return this.closed
  }

  /**
   * Closes the gate for `delayMs`. Closing a closed gate starts over: the earlier delay and `onOpen` are dropped.
   *
   * @param onOpen - called once when the gate opens, by the timer or by `open()`; not after `stop()`
   */
  close(delayMs: number, onOpen?: () => void): void {
    this.closed = true
    if (this.isStopped) return
    clearTimeout(this.timer)
    this.onOpen = onOpen
    this.openAfter(delayMs)
  }

  /** Opens the gate now: every wait ends with true. */
  open(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (!this.closed) return
    this.closed = false
    const { onOpen } = this
    this.onOpen = undefined
    this.release(true)
    onOpen?.()
  }

  /** Whether the gate is open now or opens within `limitMs`; without a limit, whether it opens before `stop()`. */
  wait(limitMs = Infinity): Promise<boolean> {
    if (!this.closed) return Promise.resolve(true)
    if (this.isStopped || !(limitMs > 0)) return Promise.resolve(false)
    return new Promise((resolve) => {
      const settle = (isOpen: boolean): void => {
        clearTimeout(timer)
        this.waiters.delete(settle)
        resolve(isOpen)
      }
      const timer =
        limitMs === Infinity ? undefined : setTimeout(() => settle(false), Math.min(limitMs, MAX_TIMER_MS))
      this.waiters.add(settle)
    })
  }

  /** Ends the gate: every wait ends with false, no timer is left, and a closed gate stays closed unless `open()` is called. */
  stop(): void {
    this.isStopped = true
    clearTimeout(this.timer)
    this.timer = undefined
    this.onOpen = undefined
    this.release(false)
  }

  /** Waits in pieces, because one timer can hold 24 days at most. */
  private openAfter(delayMs: number): void {
    const piece = Math.min(delayMs, MAX_TIMER_MS)
    this.timer = setTimeout(() => (delayMs > piece ? this.openAfter(delayMs - piece) : this.open()), piece)
  }

  private release(isOpen: boolean): void {
    for (const settle of [...this.waiters]) settle(isOpen)
  }
}
