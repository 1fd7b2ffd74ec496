import { type Decision } from './admission'
import { type AdapterResponse } from './responses'

/** Collects what has been decided about the responses of one write, in the order of the decisions, until it is sent to the cache. */
export class Batch<R extends AdapterResponse> {
  /** New TTLs of stored responses, by key, in ms. */
  readonly extensions = new Map<string, number>()
  private readonly stores: { key: string; value: R; ttlMs: number }[] = []

  add(key: string, { value, ttlMs }: Decision<R>): void {
    if (value === undefined) this.extensions.set(key, ttlMs)
    else {
      this.stores.push({ key, value, ttlMs })
      this.extensions.delete(key)
    }
  }

  /** @param onlyLast - whether only the last value of each key is stored: the earlier ones were replaced within this write */
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
