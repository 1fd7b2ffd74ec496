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

/** A value that the writer has, and that may not be served yet. */
interface Held {
  value: Response
  expiresAt: number
  endsAtMs: number
  body: string
}

/**
 * The cache of an adapter in a worker. It holds what the writer's cache holds, and each entry ends when the writer's does. It is read like
 * any local cache.
 *
 * A new writer process does not know what the last one wrote. Until such a value has expired here, neither an error of the new writer nor
 * a value of an earlier time replaces it. Both are held back, and are served when that value has expired.
 */
export class MirrorCache extends LocalCache<Response> {
  private session: string | undefined
  /** Keys with values that an earlier writer wrote. */
  private inherited = new Set<string>()
  private readonly held = new Map<string, Held>()
  /** Keys that the writer has not sent since the worker connected to it again. */
  private unconfirmed: Set<string> | undefined

  override read(key: string, place?: Place<Response>, now?: Instant): LocalCacheEntry<Response> | undefined {
    return super.read(key, place, now) ?? (this.held.size === 0 ? undefined : this.release(key))
  }

  /** The worker has connected to a writer, which now sends all that it has. */
  begin(session: string): void {
    if (session === this.session) this.unconfirmed = new Set(this.cache.keys())
    else {
      this.inherited = new Set(this.cache.keys())
      this.unconfirmed = undefined
      this.held.clear()
    }
    this.session = session
  }

  /** The writer has sent everything. Keys that it no longer has are deleted, if it is the same writer as before. */
  complete(): void {
    for (const key of this.unconfirmed ?? []) this.forget(key)
    this.unconfirmed = undefined
  }

  /** @throws SyntaxError for a body that is not JSON; no value is changed then */
  apply([key, expiresAt, endsAtMs, body]: Entry, now: Instant): void {
    this.unconfirmed?.delete(key)
    if (body === undefined) return this.forget(key)
    const node = this.cache.get(key)
    // The same response with another end. If it has expired here, requests may wait for it, so it is written like a new one.
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
    // The writer has decided that this replaces the old value. `store` would keep a live success, so that is deleted before an error.
    const leftMs = Math.min(expiresAt - now.unixMs, endsAtMs - now.monotonicMs)
    if (leftMs <= 0 || isError(value)) void super.delete(key)
    if (leftMs <= 0) return
    this.store(key, value, leftMs, now)
    const entry = this.cache.get(key)?.data
    if (entry === undefined) return
    entry.body = body
    endAt(entry, expiresAt, endsAtMs)
  }

  /** @param current - what an earlier writer wrote */
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
