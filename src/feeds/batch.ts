import { type Decision } from './admission'
import { type AdapterResponse } from './responses'

/** What has been decided about the responses of one write, in the order in which it was, until it is sent to the cache. */
export class Batch<R extends AdapterResponse> {
  /** What gets another TTL: by key, in ms. */
  readonly extensions = new Map<string, number>()
  private readonly stores: { key: string; value: R; ttlMs: number }[] = []

  add(key: string, { value, ttlMs }: Decision<R>): void {
    if (value === undefined) this.extensions.set(key, ttlMs)
    else {
      this.stores.push({ key, value, ttlMs })
      this.extensions.delete(key)
    }
  }

  /** @param onlyLast - of each key: what came before has been compared with, and is out of date */
  byTtl(onlyLast: boolean): Map<number, { key: string; value: R }[]> {
    const stores = onlyLast ? new Map(this.stores.map((one) => [one.key, one])).values() : this.stores
    const byTtl = new Map<number, { key: string; value: R }[]>()
    for (const { key, value, ttlMs } of stores) {
      const entries = byTtl.get(ttlMs)
      if (entries === undefined) byTtl.set(ttlMs, [{ key, value }])
      else entries.push({ key, value })
    }
    return byTtl
  }
}
