import { isPlainLocal } from './local-cache'
import { storable } from './stored-response'
import { type CacheGenerics, type Entry, ResponseCache } from './response-cache'

/** The response cache of an endpoint: what a transport writes is what is served. */
export class SimpleResponseCache<T extends CacheGenerics> extends ResponseCache<T> {
  override get isImmediate(): boolean {
    const { prototype } = SimpleResponseCache
    return this.writeEntries === prototype.writeEntries && !this.hasOwnEntries && isPlainLocal(this.cache)
  }

  /** @param ttl - in ms; `CACHE_MAX_AGE` by default, less where guards ask for it */
  async writeEntries(entries: Entry<T>[], ttl = this.adapterSettings.CACHE_MAX_AGE): Promise<void> {
    // What an author has made of entries, no write has judged.
    const judged = entries.map(({ key, value }) => ({ key, value: storable(value) }))
    await this.cache.setMany(judged, ttl)
  }
}
