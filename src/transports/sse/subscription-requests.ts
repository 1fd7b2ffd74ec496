import { type Identify, identify } from '../../feeds/delta'
import { monotonicMs } from '../../util/clock'
import { Retry } from '../../connections/retry'
import { afterRefusal, type RetrySettings } from '../stream-retries'

/**
 * The requests that subscribe and unsubscribe the feeds of one stream. The stream's loop does not wait for them. Requests for the same feed
 * are sent one after the other, so that the last one also arrives last (SB-4). Feeds that could not be subscribed are tried again after a
 * pause.
 */
export class SubscriptionRequests<P> {
  private readonly busy = new Map<string, Promise<void>>()
  private readonly failed = new Map<string, P>()
  private readonly retry = new Retry(afterRefusal)
  private generation = 0
  private dueMs = 0

  /** @param onDue - called when feeds whose subscription failed may be tried again */
  constructor(
    private readonly onDue: () => void,
    private readonly identityOf: Identify = identify,
  ) {}

  /** Called for a new stream: the requests of the last one do not matter any more. */
  reset(): void {
    this.generation++
    this.busy.clear()
    this.failed.clear()
    this.retry.now()
  }

  /** Sends a request after earlier ones for the same feeds; at once if there are none. A failure is passed to `onFailure`. */
  send(params: readonly P[], request: () => Promise<unknown>, onFailure: (error: unknown) => void): void {
    const { generation } = this
    const feeds = params.map(this.identityOf)
    const earlier = feeds.flatMap((feed) => this.busy.get(feed) ?? [])
    const act = async (): Promise<void> => {
      if (generation !== this.generation) return
      try {
        await request()
      } catch (error) {
        if (generation === this.generation) onFailure(error)
      }
    }
    const done = earlier.length === 0 ? act() : Promise.all(earlier).then(act)
    for (const feed of feeds) this.busy.set(feed, done)
    void done.then(() => {
      for (const feed of feeds) if (this.busy.get(feed) === done) this.busy.delete(feed)
    })
  }

  succeeded(): void {
    if (this.failed.size === 0) this.retry.reset()
  }

  /** Notes feeds that could not be subscribed. They are due again after a pause. @returns how long that still lasts, in ms */
  postpone(params: readonly P[], settings: RetrySettings): number {
    for (const one of params) this.failed.set(this.identityOf(one), one)
    if (!this.retry.isWaiting) this.dueMs = monotonicMs() + this.retry.again({ settings }, this.onDue).delayMs
    return this.leftMs
  }

  /** How long a feed is still not asked for after a failure, in ms; undefined where it is, or may be at any time. */
  pauseOf(params: P): number | undefined {
    return this.retry.isWaiting && this.failed.has(this.identityOf(params)) ? this.leftMs : undefined
  }

  /** The wanted feeds that must be tried again now. */
  takeDue(desired: readonly P[]): P[] {
    if (this.failed.size === 0 || this.retry.isWaiting) return []
    const due = desired.filter((one) => this.failed.has(this.identityOf(one)))
    this.failed.clear()
    return due
  }

  private get leftMs(): number {
    return Math.max(0, this.dueMs - monotonicMs())
  }

  stop(): void {
    this.generation++
    this.retry.stop()
  }
}
