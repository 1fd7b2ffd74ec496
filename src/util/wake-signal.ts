import { MAX_TIMER_MS } from './sleep'

/**
 * Lets code wait for an event or a deadline, whichever comes first. A wake is remembered until it is cleared by the code
 * that is about to look at what happened; until then every wait ends at once.
 */
export class WakeSignal {
  private readonly sleepers = new Set<() => void>()
  private readonly followers: (() => void)[] = []
  private wasWoken = false
  /** While this is set `wake` does nothing, so that waits last until their deadline. For tests that rely on recorded times. */
  isMuted = false

  /** Whether a wake is remembered, so that `wait` returns at once. */
  get isPending(): boolean {
    return this.wasWoken
  }

  /** Wakes everybody who waits, and everybody who waits later until the wake is cleared. */
  wake(): void {
    if (this.isMuted) return
    this.wasWoken = true
    for (const tell of this.followers) tell()
    for (const rouse of [...this.sleepers]) rouse()
  }

  /** Tells at every wake, for as long as there is this signal. */
  follow(onWake: () => void): void {
    this.followers.push(onWake)
  }

  /** Forgets a remembered wake. */
  clear(): void {
    this.wasWoken = false
  }

  /** Resolves at the next wake, or after `ms` milliseconds; at once if a wake is remembered. */
  wait(ms: number): Promise<void> {
    if (this.wasWoken) return Promise.resolve()
    return new Promise((resolve) => {
      const rouse = (): void => {
        clearTimeout(timer)
        this.sleepers.delete(rouse)
        resolve()
      }
      const timer = setTimeout(rouse, Math.min(ms, MAX_TIMER_MS))
      this.sleepers.add(rouse)
    })
  }
}
