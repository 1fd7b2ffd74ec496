/** What is needed of an `AbortSignal` to wait for as long as somebody is there. */
export interface Leaving {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * Whether somebody has left, for those who wait on their behalf. An `AbortSignal` says the same, and costs every waiting request as much
 * as all the rest of its wait.
 */
export class Departure implements Leaving {
  aborted = false
  private readonly listeners = new Set<() => void>()

  /** Tells everybody, once. */
  leave(): void {
    if (this.aborted) return
    this.aborted = true
    for (const listener of [...this.listeners]) listener()
    this.listeners.clear()
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener)
  }
}
