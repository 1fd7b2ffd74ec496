import { type Backoff, exponentialBackoff } from '../util/backoff'
import { Gate } from '../util/gate'

/** An open connection that brought values for this long was useful; what follows it starts with the shortest pause again. */
export const USEFUL_LIFE_MS = 1_000

interface BackoffSettings {
  STREAM_HANDLER_RETRY_MIN_MS: number
  STREAM_HANDLER_RETRY_MAX_MS: number
  STREAM_HANDLER_RETRY_EXP_FACTOR: number
}

/**
 * When to come back after a connection closed. Practically at once, with jitter, after a useful life; each further close without one in
 * between waits longer (CN-5). Opening alone is not useful.
 */
export class Reconnection {
  private readonly gate = new Gate()
  private backoff: Backoff | undefined

  /** @param onDue - called when the time has come */
  schedule(settings: BackoffSettings, wasUseful: boolean, onDue: () => void): void {
    this.gate.close(wasUseful ? this.first(settings) : this.next(settings), onDue)
  }

  private first({ STREAM_HANDLER_RETRY_MIN_MS }: BackoffSettings): number {
    this.backoff = undefined
    return (STREAM_HANDLER_RETRY_MIN_MS / 20) * (1 + Math.random())
  }

  private next(settings: BackoffSettings): number {
    this.backoff ??= exponentialBackoff({
      minMs: settings.STREAM_HANDLER_RETRY_MIN_MS / 2,
      maxMs: settings.STREAM_HANDLER_RETRY_MAX_MS,
      factor: settings.STREAM_HANDLER_RETRY_EXP_FACTOR,
    })
    const { delayMs, next } = this.backoff.next()
    this.backoff = next
    return delayMs
  }

  /** Whether it is time, now or within `limitMs`. */
  async isDueWithin(limitMs: number): Promise<boolean> {
    return !this.gate.isClosed || this.gate.wait(limitMs)
  }

  stop(): void {
    this.gate.stop()
  }
}
