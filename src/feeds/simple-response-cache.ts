import { isPlainLocal } from './local-cache'
import { storable } from './stored-response'
import { type CacheGenerics, type Entry, ResponseCache } from './response-cache'

/** The response cache of an endpoint: everything that is written and accepted is stored. */
export class SimpleResponseCache<T extends CacheGenerics> extends ResponseCache<T> {
  override get isImmediate(): boolean {
    const { prototype } = SimpleResponseCache
    return this.writeEntries === prototype.writeEntries && !this.hasOwnEntries && isPlainLocal(this.cache)
  }

  /** @param ttl - in ms; `CACHE_MAX_AGE` by default, less where guards ask for it */
  async writeEntries(entries: Entry<T>[], ttl = this.adapterSettings.CACHE_MAX_AGE): Promise<void> {
    // An author may have made these entries, so they have not been checked by a write.
    const judged = entries.map(({ key, value }) => ({ key, value: storable(value) }))
    await this.cache.setMany(judged, ttl)
  }
}
