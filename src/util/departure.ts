/** The part of `AbortSignal` that a wait needs to end when the one it waits for has left. */
export interface Leaving {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * Says whether somebody has left, for code that waits on their behalf. An `AbortSignal` says the same, but it costs each waiting request
 * as much as all the rest of its wait.
 */
export class Departure implements Leaving {
  aborted = false
  private readonly listeners = new Set<() => void>()

  /** Tells all listeners. A second call does nothing. */
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
