import { type Cache, type CacheEntry, CacheTypes } from '../../src/feeds/cache'
import { type AdapterResponse } from '../../src/feeds/responses'

interface Stored {
  json: string
  expiresAt: number
}

/**
 * A cache at the other end of one connection: commands take effect in the order in which they were sent, some time later, and values come
 * back as copies. Never lets an error replace a live success, as any cache.
 */
export class RemoteCache implements Cache<AdapterResponse> {
  type = CacheTypes.Redis
  private readonly stored = new Map<string, Stored>()
  private last: Promise<unknown> = Promise.resolve()

  /** What is stored now, without the way there and back. */
  peek(key: string): AdapterResponse | undefined {
    const entry = this.live(key)
    return entry && (JSON.parse(entry.json) as AdapterResponse)
  }

  ttlOf(key: string): number | undefined {
    const entry = this.live(key)
    return entry && entry.expiresAt - Date.now()
  }

  get = (key: string) => this.send(() => this.peek(key))

  set = (key: string, value: AdapterResponse, ttl: number) =>
    this.send(() => {
      if (value.errorMessage && this.peek(key)?.errorMessage === undefined && this.live(key)) return
      this.stored.set(key, { json: JSON.stringify(value), expiresAt: Date.now() + ttl })
    })

  setMany = async (entries: CacheEntry<AdapterResponse>[], ttl: number) => {
    await Promise.all(entries.map(({ key, value }) => this.set(key, value, ttl)))
  }

  delete = (key: string) => this.send(() => void this.stored.delete(key))

  setTTL = (key: string, ttl: number) =>
    this.send(() => {
      const entry = this.live(key)
      if (entry) entry.expiresAt = Date.now() + ttl
    })

  private live(key: string): Stored | undefined {
    const entry = this.stored.get(key)
    return entry && entry.expiresAt > Date.now() ? entry : undefined
  }

  private send<R>(command: () => R): Promise<R> {
    const done = this.last.then(() => new Promise<void>((resolve) => setImmediate(resolve))).then(command)
    this.last = done
    return done
  }
}
