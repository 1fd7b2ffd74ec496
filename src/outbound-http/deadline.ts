import { type AxiosRequestConfig } from 'axios'
import { ageMs, instant } from '../util/clock'
import { MAX_TIMER_MS } from '../util/sleep'

/** As axios says it, which ends a request that nothing arrives for, but not one whose answer never ends. */
const tooLate = (timeoutMs: number): Error =>
  Object.assign(new Error(`timeout of ${timeoutMs}ms exceeded`), { code: 'ECONNABORTED' })

/** As axios says it of an author's own signal. */
const canceled = (): Error =>
  Object.assign(new Error('canceled'), { code: 'ERR_CANCELED', name: 'CanceledError' })

/** The signal that an author gives to a request need not be an `AbortSignal`. */
type AuthorsSignal = NonNullable<AxiosRequestConfig['signal']>

/** The end of one request, for all of it: connecting, redirects, headers, body (CN-10). */
export class Deadline {
  private readonly aborting = new AbortController()
  private readonly timer: ReturnType<typeof setTimeout> | undefined
  private readonly unlink: (() => void)[]
  private readonly beganAt = instant()
  private readonly limitMs: number

  /**
   * @param timeoutMs - undefined, or what is no time in ms, sets no deadline
   * @param stopping - ends it too, and so does the author's signal
   */
  constructor(timeoutMs: number | undefined, stopping: AbortSignal, authors: AuthorsSignal | undefined) {
    const ms = Number(timeoutMs)
    this.limitMs = ms > 0 ? ms : Infinity
    if (ms > 0) this.timer = setTimeout(() => this.aborting.abort(tooLate(ms)), Math.min(ms, MAX_TIMER_MS))
    this.unlink = [this.link(stopping, (): unknown => stopping.reason)]
    if (authors !== undefined) this.unlink.push(this.link(authors, canceled))
  }

  get signal(): AbortSignal {
    return this.aborting.signal
  }

  /**
   * Call it when the answer is there. No timer runs while the machine sleeps, and what was answered before that is as old as the sleep.
   *
   * @throws Error as if the time had run out, where it has by either clock
   */
  check(): void {
    if (ageMs(this.beganAt) > this.limitMs) throw tooLate(this.limitMs)
  }

  /** Leaves nothing behind, once the request is over. */
  clear(): void {
    clearTimeout(this.timer)
    for (const unlink of this.unlink) unlink()
  }

  private link(signal: AuthorsSignal, reasonOf: () => unknown): () => void {
    const abort = (): void => {
      this.aborting.abort(reasonOf())
    }
    if (signal.aborted) abort()
    signal.addEventListener?.('abort', abort)
    return () => void signal.removeEventListener?.('abort', abort)
  }
}
