import { type Restarted } from '../adapter/restarted'
import { afterLives, Retry } from '../connections/retry'
import { exponentialBackoff } from '../util/backoff'
import { monotonicMs } from '../util/clock'

/** An adapter that went well for this long begins again with short pauses. */
const USEFUL_LIFE_MS = 5 * 60_000

/** Decides when an adapter that was stopped because of a failure of its own begins again: later and later, if it fails again soon. */
export class AdapterRestarts {
  /** Undefined as long as there was none. */
  told: Restarted | undefined
  private readonly retry = new Retry(
    afterLives(exponentialBackoff({ minMs: 500, maxMs: 60_000, factor: 2 }), {
      usefulLifeMs: USEFUL_LIFE_MS,
    }),
  )
  private begunMs = monotonicMs()
  private isWaiting = false

  constructor(private readonly adapter: string) {}

  /** @returns false while it waits already */
  again(because: string, begin: () => void): boolean {
    if (this.isWaiting) return false
    this.isWaiting = true
    const { delayMs } = this.retry.again({ livedMs: monotonicMs() - this.begunMs }, () => {
      this.isWaiting = false
      this.begunMs = monotonicMs()
      delete this.told?.nextUnixMs
      begin()
    })
    const lastUnixMs = Date.now()
    const count = (this.told?.count ?? 0) + 1
    const nextUnixMs = Math.round(lastUnixMs + delayMs)
    this.told = { adapter: this.adapter, count, lastUnixMs, because, nextUnixMs }
    return true
  }

  stop(): void {
    this.retry.stop()
  }
}
