import { LocalCache } from '../feeds/local-cache'

const CAPACITY = 10_000

/** contract 15: for a key that contains this text Redis fails. */
const failIfAsked = (key: string): void => {
  if (key.includes('force-error'))
    throw Object.assign(new Error(`Redis failed for "${key}"`), { name: 'ReplyError' })
}

/** The part of an ioredis client without which the Redis cache does not work. Its data is in this process. */
export class RedisMock {
  store = new LocalCache<string>(CAPACITY)
  /** Locks that are held: values by key. */
  keys: { [key: string]: string } = {}

  async get(key: string): Promise<string | undefined> {
    return this.store.get(key)
  }

  async del(key: string): Promise<void> {
    return this.store.delete(key)
  }

  async set(key: string, value: string, _px: 'PX', ttl: number): Promise<void> {
    failIfAsked(key)
    return this.store.set(key, value, ttl)
  }

  multi(): CommandChainMock {
    return new CommandChainMock(this)
  }

  defineCommand(_name: string, _options: { lua: string; numberOfKeys: number }): void {}

  async setExternalAdapterResponse(key: string, value: string, ttl: number): Promise<void> {
    return this.set(key, value, 'PX', ttl)
  }

  /** The script of a lock: 1 when the key was free, or held by the same value. */
  evalsha(...[, , [key, value]]: [string, number, [string, string, number]]): 0 | 1 {
    if (this.keys[key] !== undefined && this.keys[key] !== value) return 0
    this.keys[key] = value
    return 1
  }

  pexpire(): void {}

  quit(): void {}
}

/** A transaction: it collects the outcomes of commands, and `exec` returns them. */
class CommandChainMock {
  promises: Promise<unknown>[] = []

  constructor(private readonly redisMock: RedisMock) {}

  set(key: string, value: string, px: 'PX', ttl: number): this {
    return this.collect(this.redisMock.set(key, value, px, ttl))
  }

  setExternalAdapterResponse(key: string, value: string, ttl: number): this {
    return this.collect(this.redisMock.setExternalAdapterResponse(key, value, ttl))
  }

  exec(): Promise<unknown[]> {
    return Promise.all(this.promises)
  }

  private collect(promise: Promise<unknown>): this {
    // Failures are reported by exec(), which may come later.
    promise.catch(() => {})
    this.promises.push(promise)
    return this
  }
}
