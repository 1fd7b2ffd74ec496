import { MAX_TIMER_MS } from './sleep'

/**
 * A gate that a timer opens: a back-off that never reads the wall clock, and so works when that stands still.
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

  /** Opens the gate now; everybody who waits may pass. */
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

  /** Whether the gate is open now or opens within `limitMs`; by default, before it is stopped. */
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

  /** Ends the gate: whoever waits is turned away, no timer is left, and a closed gate stays closed unless `open()`ed. */
  stop(): void {
    this.isStopped = true
    clearTimeout(this.timer)
    this.timer = undefined
    this.onOpen = undefined
    this.release(false)
  }

  /** In pieces: a timer holds no more than 24 days. */
  private openAfter(delayMs: number): void {
    const piece = Math.min(delayMs, MAX_TIMER_MS)
    this.timer = setTimeout(() => (delayMs > piece ? this.openAfter(delayMs - piece) : this.open()), piece)
  }

  private release(isOpen: boolean): void {
    for (const settle of [...this.waiters]) settle(isOpen)
  }
}
