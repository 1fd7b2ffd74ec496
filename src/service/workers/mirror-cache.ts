import { isLive, LocalCache, type LocalCacheEntry, type Place } from '../../feeds/local-cache'
import { type AdapterResponse } from '../../feeds/responses'
import { type Entry } from './messages'
import { type Instant, instant } from '../../util/clock'

type Response = AdapterResponse

/** The writer's own end, on both clocks: the time on the way is not added to it. */
const endAt = (entry: LocalCacheEntry<Response>, expiresAt: number, endsAtMs: number): void => {
  entry.expirationTimestamp = expiresAt
  entry.endsAtMs = endsAtMs
}

const isError = (response: Response): boolean => response.errorMessage !== undefined

const timeOf = (response: Response): number | undefined => response.timestamps?.providerIndicatedTimeUnixMs

/** What the writer has, and may not be served yet. */
interface Held {
  value: Response
  expiresAt: number
  endsAtMs: number
  body: string
}

/**
 * The cache of an adapter in a worker: what the writer has, each entry with the writer's own end of life. Reads are a local cache's.
 *
 * A writer that took over knows nothing of what the last one wrote. Until that has expired here, an error of the new one does not replace
 * it, nor does a value of an earlier time; both are held back, and served once what stands in their way has expired.
 */
export class MirrorCache extends LocalCache<Response> {
  private session: string | undefined
  /** Keys whose values are an earlier writer's. */
  private inherited = new Set<string>()
  private readonly held = new Map<string, Held>()
  /** Keys that this writer has not confirmed since it said hello again. */
  private unconfirmed: Set<string> | undefined

  override read(key: string, place?: Place<Response>): LocalCacheEntry<Response> | undefined {
    return super.read(key, place) ?? (this.held.size === 0 ? undefined : this.release(key))
  }

  /** A writer has been reached, and is about to send all it has. */
  begin(session: string): void {
    if (session === this.session) this.unconfirmed = new Set(this.cache.keys())
    else {
      this.inherited = new Set(this.cache.keys())
      this.unconfirmed = undefined
      this.held.clear()
    }
    this.session = session
  }

  /** Everything has been sent: what the same writer no longer has goes. */
  complete(): void {
    for (const key of this.unconfirmed ?? []) this.forget(key)
    this.unconfirmed = undefined
  }

  /** @throws SyntaxError for a body that is no JSON; then nothing is changed */
  apply([key, expiresAt, endsAtMs, body]: Entry, now: Instant): void {
    this.unconfirmed?.delete(key)
    if (body === undefined) return this.forget(key)
    const node = this.cache.get(key)
    // Only its end has moved. What has ended already may be waited for, and is written anew.
    if (node?.data.body === body && isLive(node.data, now) && !this.inherited.has(key))
      return endAt(node.data, expiresAt, endsAtMs)
    const value = JSON.parse(body) as Response
    if (this.inherited.has(key) && this.mustWait(value, super.read(key)?.value)) {
      this.held.set(key, { value, expiresAt, endsAtMs, body })
      if (this.held.size > this.capacity) this.held.delete(this.held.keys().next().value!)
      return
    }
    this.put(key, { value, expiresAt, endsAtMs, body }, now)
  }

  private put(key: string, { value, expiresAt, endsAtMs, body }: Held, now: Instant): void {
    this.held.delete(key)
    this.inherited.delete(key)
    // What may replace what has been decided where the value was written; here it only has to be alike.
    const leftMs = Math.min(expiresAt - now.unixMs, endsAtMs - now.monotonicMs)
    if (leftMs <= 0 || isError(value)) void super.delete(key)
    if (leftMs <= 0) return
    this.store(key, value, leftMs, now)
    const entry = this.cache.get(key)?.data
    if (entry === undefined) return
    entry.body = body
    endAt(entry, expiresAt, endsAtMs)
  }

  /** @param current - of an earlier writer */
  private mustWait(value: Response, current: Response | undefined): boolean {
    if (current === undefined || isError(current)) return false
    if (isError(value)) return true
    const [time, currentTime] = [timeOf(value), timeOf(current)]
    return time !== undefined && currentTime !== undefined && time < currentTime
  }

  private release(key: string): LocalCacheEntry<Response> | undefined {
    const held = this.held.get(key)
    if (held === undefined) return undefined
    this.put(key, held, instant())
    return super.read(key)
  }

  private forget(key: string): void {
    this.held.delete(key)
    this.inherited.delete(key)
    void super.delete(key)
  }
}
