import { told } from '../../feeds/error-reason'
import { LocalCache, type Place } from '../../feeds/local-cache'
import { type AdapterResponse } from '../../feeds/responses'
import { isObject } from '../../util/objects'
import { makeLogger } from '../../util/logging'
import { LogLimiter } from '../../util/log-limiter'
import { type Source } from './backlog'
import { type Entry } from './messages'
import { type Instant } from '../../util/clock'

const logger = makeLogger('PublishedCache')

/** In characters. No real response is nearly as long, and the limit of a frame is far above it. */
const MAX_BODY_CHARACTERS = 16 * 1024 * 1024

/**
 * The cache of an adapter in the writer. It reports each key that changes. Writes are as immediate as in any local cache, and a value is
 * made into text once for all workers.
 */
export class PublishedCache<T = unknown> extends LocalCache<T> implements Source {
  private readonly problems = new LogLimiter()

  /** @param onChange - called after every change of what is stored under a key */
  constructor(
    readonly adapter: string,
    capacity: number,
    private readonly onChange: (source: Source, key: string) => void,
  ) {
    super(capacity)
  }

  override store(key: string, value: Readonly<T>, ttl: number, now: Instant, place?: Place<T>): boolean {
    const isStored = super.store(key, value, ttl, now, place)
    if (isStored) this.onChange(this, key)
    return isStored
  }

  override delete(key: string): Promise<void> {
    const deleted = super.delete(key)
    this.onChange(this, key)
    return deleted
  }

  override setTTL(key: string, ttl: number): Promise<void> {
    const set = super.setTTL(key, ttl)
    this.onChange(this, key)
    return set
  }

  override shorten(key: string, ttl: number): boolean {
    const isShorter = super.shorten(key, ttl)
    if (isShorter) this.onChange(this, key)
    return isShorter
  }

  keys(): Iterable<string> {
    return this.cache.keys()
  }

  entry(key: string): Entry {
    const entry = this.read(key)
    if (entry === undefined) return [key, 0, 0, undefined]
    const body = (entry.body ??= this.rendered(key, entry.value))
    return body === undefined
      ? [key, 0, 0, undefined]
      : [key, entry.expirationTimestamp, entry.endsAtMs, body]
  }

  /** Undefined for a value that cannot be sent. Workers then delete the key, so that none of them serves an older value. */
  private rendered(key: string, value: T): string | undefined {
    try {
      const body = JSON.stringify(isObject(value) ? told(value as object as AdapterResponse) : value)
      if (body.length <= MAX_BODY_CHARACTERS) return body
      throw new Error(`it has ${body.length} characters`)
    } catch (err) {
      this.problems.run(key, (repeated) => {
        logger.error(
          { key, repeated },
          `A value cannot be sent to the workers, and is not served: ${String(err)}`,
        )
      })
      return undefined
    }
  }
}
