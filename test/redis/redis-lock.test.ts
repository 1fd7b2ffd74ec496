import { EventEmitter } from 'node:events'
import { expect, it, vi } from 'vitest'
import { RedisCache } from '../../src/redis/redis-cache'
import { RedisLock } from '../../src/redis/redis-lock'
import { RedisMock } from '../../src/testing/redis-mock'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { clientOf, collectLogs, redisCacheOf } from './redis-support'

const FAILURE =
  'The adapter failed to acquire a lock on the cache. Please check if you are running another instance of the adapter with the same name and cache prefix.'

/** One process that wants to be the writer. */
const contender = (port: number, { durationMs = 1_000, retries = 4 } = {}) => {
  const { client, [Symbol.asyncDispose]: end } = clientOf(port)
  const notifier = new EventEmitter()
  const lock = new RedisLock(client, 'TEST', durationMs, retries, notifier)
  return {
    client,
    lock,
    notifier,
    [Symbol.asyncDispose]: async () => {
      notifier.emit('onClose')
      await end()
    },
  }
}

const rejection = (work: Promise<unknown>) => work.then(() => undefined, (error: Error) => error.message) // prettier-ignore

describeWithRedis('the lock of the writer', () => {
  it('is a random hex value with a time to live, as redlock leaves it', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port, { durationMs: 10_000 })
    expect(await one.lock.acquire()).toBe(true)
    expect(await redis.client.get('TEST')).toMatch(/^[0-9a-f]{32}$/)
    const left = await redis.client.pttl('TEST')
    expect(left).toBeGreaterThan(8_000)
    expect(left).toBeLessThanOrEqual(10_000)
    expect(one.lock.isLost).toBe(false)
  })

  it('is extended at four fifths of its life, again and again, with the same value', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port, { durationMs: 300 })
    await one.lock.acquire()
    const value = await redis.client.get('TEST')
    const seen: number[] = []
    let last = 0
    await vi.waitFor(
      async () => {
        const [held, left] = await Promise.all([redis.client.get('TEST'), redis.client.pttl('TEST')])
        expect(held).toBe(value)
        if (left > last) seen.push(left)
        last = left
        expect(seen.length).toBeGreaterThan(4)
      },
      { timeout: 5_000, interval: 10 },
    )
    expect(one.lock.isLost).toBe(false)
  })

  it('goes to one of two, and the other gives up after its attempts, spread over the duration', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port)
    await using two = contender(redis.port, { durationMs: 400, retries: 4 })
    await one.lock.acquire()
    const startedAt = performance.now()
    expect(await rejection(two.lock.acquire())).toBe(FAILURE)
    const took = performance.now() - startedAt
    expect(took).toBeGreaterThan(280)
    expect(took).toBeLessThan(1_500)
    expect([one.lock.isLost, two.lock.isLost]).toEqual([false, true])
  })

  it('tries as often as CACHE_LOCK_RETRIES says, and once at least', async () => {
    await using redis = await redisServer()
    await redis.client.set('TEST', 'somebody', 'PX', 60_000)
    for (const [retries, attempts] of [
      [3, 3],
      [1, 1],
      [0, 1],
    ] as const) {
      await redis.client.config('RESETSTAT')
      await using one = contender(redis.port, { durationMs: 30, retries })
      expect(await rejection(one.lock.acquire())).toBe(FAILURE)
      const stats = await redis.client.info('commandstats')
      const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)[^\n]*failed_calls=(\d+)/g)]
      expect(calls.reduce((sum, [, all, failed]) => sum + Number(all) - Number(failed), 0)).toBe(attempts)
    }
  })

  it('CA-6: is taken over when its holder is gone and the lease has run out', async () => {
    await using redis = await redisServer()
    const one = contender(redis.port, { durationMs: 500 })
    await one.lock.acquire()
    await one[Symbol.asyncDispose]()
    await using two = contender(redis.port, { durationMs: 1_500, retries: 10 })
    expect(await two.lock.acquire()).toBe(true)
  })

  it('respects a lock that the reference framework holds, and is respected by it', async () => {
    await using redis = await redisServer()
    const redlock = (value: string) =>
      redis.client.eval(
        "if redis.call('exists', KEYS[1]) == 1 then return 0 end redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1",
        1,
        'TEST',
        value,
        300,
      )
    expect(await redlock('86fc11f68a328a2dbfb0b0dc2633dd85')).toBe(1)
    await using one = contender(redis.port, { durationMs: 100, retries: 2 })
    expect(await rejection(one.lock.acquire())).toBe(FAILURE)
    await using two = contender(redis.port, { durationMs: 1_000, retries: 10 })
    expect(await two.lock.acquire()).toBe(true)
    expect(await redlock('d18b5ea072c0cb1c8382b116fcc52627')).toBe(0)
  })

  it('does not count an attempt that Redis could not answer', async () => {
    await using redis = await redisServer()
    await redis.kill()
    await using one = contender(redis.port, { durationMs: 200, retries: 4 })
    const acquired = one.lock.acquire()
    await vi.waitFor(() => expect(one.client.status).toBe('reconnecting'))
    await redis.start()
    expect(await acquired).toBe(true)
  })

  it('is ours when the answer to the first attempt got lost', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port, { durationMs: 60_000, retries: 600 })
    await one.client.ping()
    await redis.client.client('PAUSE', 900, 'ALL')
    expect(await one.lock.acquire()).toBe(true)
  })

  it('stops trying, and extending, when the adapter closes', async () => {
    await using redis = await redisServer()
    await redis.client.set('TEST', 'somebody', 'PX', 60_000)
    const waiting = contender(redis.port, { durationMs: 60_000, retries: 5 })
    const acquired = waiting.lock.acquire()
    await waiting.client.ping()
    waiting.notifier.emit('onClose')
    expect(await acquired).toBe(false)
    await waiting[Symbol.asyncDispose]()

    await redis.client.del('TEST')
    await using holder = contender(redis.port, { durationMs: 200 })
    await holder.lock.acquire()
    holder.notifier.emit('onClose')
    await vi.waitFor(async () => expect(await redis.client.exists('TEST')).toBe(0), { timeout: 3_000 })
  })

  it('CA-5: is lost as soon as its time is over, whether or not this process has been able to look', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port, { durationMs: 1_000 })
    await one.lock.acquire()
    const now = performance.now.bind(performance)
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 1_001)
    expect(one.lock.isLost).toBe(true)
    clock.mockRestore()
    expect(one.lock.isLost).toBe(false)
  })

  it('is lost to another holder with one line in the log, and taken back when that one is gone', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port, { durationMs: 200, retries: 4 })
    await one.lock.acquire()
    const logs = collectLogs()
    await redis.client.set('TEST', 'somebody', 'PX', 700)
    await vi.waitFor(() => expect(one.lock.isLost).toBe(true), { timeout: 3_000 })
    await vi.waitFor(() => expect(logs.map(({ level }) => level)).toEqual(['error']))
    expect(logs[0]!.message).toContain('another process holds it')
    await vi.waitFor(() => expect(one.lock.isLost).toBe(false), { timeout: 5_000 })
    expect(await redis.client.get('TEST')).toMatch(/^[0-9a-f]{32}$/)
    expect(logs.map(({ level }) => level)).toEqual(['error', 'warn'])
  })

  it('outlives a hiccup that is shorter than its lease', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port, { durationMs: 4_000 })
    await one.lock.acquire()
    const logs = collectLogs()
    // Over the time of the extension, at 3.2 s.
    await vi.waitFor(async () => expect(await redis.client.pttl('TEST')).toBeLessThan(900), { timeout: 5_000, interval: 5 }) // prettier-ignore
    redis.pause()
    await vi.waitFor(() => expect(logs.some(({ message }) => message.includes('in doubt'))).toBe(true), { timeout: 3_000 }) // prettier-ignore
    redis.resume()
    await vi.waitFor(async () => expect(await redis.client.pttl('TEST')).toBeGreaterThan(2_000), { timeout: 3_000 }) // prettier-ignore
    expect(one.lock.isLost).toBe(false)
    expect(logs.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('is lost while Redis is away for longer than the lease, and back with it', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port, { durationMs: 300, retries: 3 })
    await one.lock.acquire()
    await redis.kill()
    await vi.waitFor(() => expect(one.lock.isLost).toBe(true), { timeout: 3_000 })
    await redis.start()
    await vi.waitFor(() => expect(one.lock.isLost).toBe(false), { timeout: 6_000 })
  })
})

describeWithRedis('a cache with the lock', () => {
  const held = async (port: number, durationMs = 300) => {
    const { cache, client, [Symbol.asyncDispose]: end } = redisCacheOf<number>(port)
    const notifier = new EventEmitter()
    await cache.lock('TEST', durationMs, 3, notifier)
    return {
      cache,
      client,
      notifier,
      [Symbol.asyncDispose]: async () => {
        notifier.emit('onClose')
        await end()
      },
    }
  }

  it('17.22: writes nothing to Redis while another process is the writer, and goes on in memory', async () => {
    await using redis = await redisServer()
    await using process = await held(redis.port)
    const { cache } = process
    await cache.set('key', 1, 60_000)
    await redis.client.set('TEST', 'somebody', 'PX', 60_000)
    await vi.waitFor(async () => {
      await redis.client.set('key', '"of the other"')
      await cache.set('key', 2, 60_000)
      expect(await redis.client.get('key')).toBe('"of the other"')
    })
    await cache.setMany([{ key: 'key', value: 3 }], 60_000)
    await cache.setTTL('key', 1)
    await cache.delete('key')
    expect(await redis.client.get('key')).toBe('"of the other"')
    expect(await redis.client.pttl('key')).toBe(-1)
    await cache.set('key', 4, 60_000)
    expect(await cache.get('key')).toBe(4)
    await redis.client.del('TEST')
    await vi.waitFor(async () => {
      await cache.set('key', 5, 60_000)
      expect(await redis.client.get('key')).toBe('5')
    })
  })

  it('17.22: writes nothing to Redis once it could not get the lock', async () => {
    await using redis = await redisServer()
    await redis.client.set('TEST', 'somebody', 'PX', 60_000)
    await using process = redisCacheOf<number>(redis.port)
    const locked = process.cache.lock('TEST', 60, 2, new EventEmitter())
    // Until then it may write: an older process that is about to end does too.
    await process.cache.set('before', 1, 60_000)
    expect(await rejection(locked)).toBe(FAILURE)
    await process.cache.set('after', 1, 60_000)
    expect(await redis.client.keys('*')).toEqual(expect.arrayContaining(['before', 'TEST']))
    expect(await redis.client.exists('after')).toBe(0)
  })

  it('ends its connection when the adapter closes', async () => {
    await using redis = await redisServer()
    await using process = await held(redis.port, 60_000)
    const ended = new Promise((resolve) => process.client.once('end', resolve))
    process.notifier.emit('onClose')
    await ended
    expect(process.client.status).toBe('end')
    expect(await redis.client.exists('TEST')).toBe(1)
  })
})

it('locks over the test double of the contract', async () => {
  const client = new RedisMock()
  const quit = vi.spyOn(client, 'quit')
  const notifier = new EventEmitter()
  const [one, two] = [client, client].map((shared) => new RedisCache(shared as never, 10))
  await one!.lock('TEST', 200, 2, notifier)
  expect(await rejection(two!.lock('TEST', 20, 2, notifier))).toBe(FAILURE)
  notifier.emit('onClose')
  expect(quit).toHaveBeenCalledTimes(1)
})
