import { type Leaving } from '../util/departure'
import { overflowed } from '../metrics/bounds'

/** At most this many requests wait in one cache. Further ones are answered at once, as if no value had come in time. */
const MAX_WAITERS = 100_000

type Waiter<T> = (value: T | undefined) => void

/** Requests that wait for the first value of a key. The write wakes them. */
export class Waiters<T> {
  private readonly byKey = new Map<string, Set<Waiter<T>>>()
  private count = 0

  get size(): number {
    return this.count
  }

  /**
   * Resolves with the value written to `key`, or with undefined after `timeoutMs` or when `signal` aborts. It waits with one timer of the
   * global `setTimeout`, so that it also works with fake clocks and where `Date.now` stands still.
   */
  wait(key: string, timeoutMs: number, signal?: Leaving): Promise<T | undefined> {
    if (signal?.aborted) return Promise.resolve(undefined)
    if (this.count >= MAX_WAITERS) {
      overflowed('waiting_clients')
      return Promise.resolve(undefined)
    }
    return new Promise((resolve) => {
      const settle: Waiter<T> = (value) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', give)
        this.remove(key, settle)
        resolve(value)
      }
      const give = () => settle(undefined)
      const timer = setTimeout(give, timeoutMs)
      signal?.addEventListener('abort', give, { once: true })
      this.add(key, settle)
    })
  }

  wake(key: string, value: T): void {
    if (this.count === 0) return
    const waiters = this.byKey.get(key)
    if (waiters !== undefined) for (const settle of [...waiters]) settle(value)
  }

  private add(key: string, waiter: Waiter<T>): void {
    const waiters = this.byKey.get(key)
    if (waiters === undefined) this.byKey.set(key, new Set([waiter]))
    else waiters.add(waiter)
    this.count++
  }

  private remove(key: string, waiter: Waiter<T>): void {
    const waiters = this.byKey.get(key)
    if (waiters === undefined || !waiters.delete(waiter)) return
    if (waiters.size === 0) this.byKey.delete(key)
    this.count--
  }
}
