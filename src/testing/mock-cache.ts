import { LocalCache } from '../feeds/local-cache'
import { PacedWaiters } from './pace'

/** The local cache for tests. They can wait for the next write, and read or clear the map `cache`. */
export class MockCache extends LocalCache {
  override readonly waiters: PacedWaiters = new PacedWaiters()
  private readonly watchers = new Set<(value: unknown) => void>()

  constructor(maxItems: number) {
    super(maxItems)
  }

  /** Resolves with the next value that is set. */
  waitForNextSet(): Promise<unknown> {
    return new Promise((resolve) => this.watchers.add(resolve))
  }

  override async set(key: string, value: Readonly<unknown>, ttl: number): Promise<void> {
    await super.set(key, value, ttl)
    const watchers = [...this.watchers]
    this.watchers.clear()
    for (const resolve of watchers) resolve(value)
  }
}
