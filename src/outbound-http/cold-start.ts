import { monotonicMs } from '../util/clock'

/** Connections that nothing is sent on are closed after about so long. */
const COOLS_AFTER_MS = 4_000
/** A provider that does not answer holds back the requests after the first ones for no longer than this. */
const LONGEST_MS = 1_000

/**
 * Where nothing was sent for a while, the first requests travel slowly, because their connections are made first, and all further ones
 * fast. The provider would see them closer together than they were sent, and more in a window than its limit (RL-2). So the credits of the
 * first ones are counted from when the provider is known to have been reached: one of them was answered.
 */
export class ColdStart {
  private readonly held = new Set<() => void>()
  private lastSentMs = -Infinity
  private timer: ReturnType<typeof setTimeout> | undefined

  /**
   * A request is sent.
   *
   * @param hold - holds its credits until the returned function is called; only called where they are held
   */
  sent(hold: () => () => void): void {
    const now = monotonicMs()
    const isCold = now - this.lastSentMs > COOLS_AFTER_MS
    this.lastSentMs = now
    if (isCold && this.timer === undefined) this.timer = setTimeout(() => this.reached(), LONGEST_MS)
    if (this.timer !== undefined) this.held.add(hold())
  }

  /** The provider has answered, or a request has failed. */
  reached(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    for (const release of this.held) release()
    this.held.clear()
  }
}
