import { EventEmitter } from 'node:events'
import { type Redis } from 'ioredis'
import { afterEach, expect, it, vi } from 'vitest'
import { RedisCache } from '../../src/redis/redis-cache'
import { RedisLock } from '../../src/redis/redis-lock'
import { RedisMock } from '../../src/testing/redis-mock'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { eventually } from '../helpers/eventually'
import { clientOf, collectLogs, holdClock, pass, redisCacheOf, turn } from './redis-support'

const FAILURE =
  'The adapter failed to acquire a lock on the cache. Please check if you are running another instance of the adapter with the same name and cache prefix.'

afterEach(() => void vi.useRealTimers())

/** One process that wants to be the writer. */
const contender = (port: number, { durationMs = 60_000, retries = 4, timeoutMs = 20_000 } = {}) => {
  const { client, [Symbol.asyncDispose]: end } = clientOf(port, { CACHE_REDIS_TIMEOUT: timeoutMs })
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

/** Counts how often the lease is asked for, from here on. */
const askedBy = (client: Redis) => {
  const asks = vi.spyOn(client as { evalsha: (...args: never[]) => Promise<unknown> }, 'evalsha')
  return {
    get count() {
      return asks.mock.calls.length
    },
    /** Resolves when the last one was answered, and the answer has had its effect. */
    answered: async () => {
      await asks.mock.results.at(-1)!.value
      await turn()
    },
  }
}

const isSaid = (logs: { message: string }[], words: string) =>
  eventually(() => expect(logs.map(({ message }) => message).join()).toContain(words))

const rejection = (work: Promise<unknown>) => work.then(() => undefined, (error: Error) => error.message) // prettier-ignore

describeWithRedis('the lock of the writer', () => {
  it('is a random hex value with a time to live, as redlock leaves it', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port)
    expect(await one.lock.acquire()).toBe(true)
    expect(await redis.client.get('TEST')).toMatch(/^[0-9a-f]{32}$/)
    const left = await redis.client.pttl('TEST')
    expect(left).toBeGreaterThan(30_000)
    expect(left).toBeLessThanOrEqual(60_000)
    expect(one.lock.isLost).toBe(false)
  })

  it('is extended at four fifths of its life, again and again, with the same value', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port)
    holdClock()
    await one.lock.acquire()
    const value = await redis.client.get('TEST')
    const asked = askedBy(one.client)
    for (let time = 0; time < 5; time++) {
      // The time that passes here does not pass in Redis.
      await redis.client.pexpire('TEST', 12_000)
      await pass(47_999)
      expect(asked.count).toBe(time)
      await pass(1)
      expect(asked.count).toBe(time + 1)
      await asked.answered()
      expect(await redis.client.pttl('TEST')).toBeGreaterThan(30_000)
      expect(await redis.client.get('TEST')).toBe(value)
      expect(one.lock.isLost).toBe(false)
    }
  })

  it('goes to one of two, and the other gives up after its attempts, spread over the duration', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port)
    await using two = contender(redis.port, { durationMs: 400, retries: 4 })
    holdClock()
    await one.lock.acquire()
    await two.client.ping()
    const asked = askedBy(two.client)
    const refusal = rejection(two.lock.acquire())
    for (let attempt = 1; attempt < 4; attempt++) {
      await asked.answered()
      await pass(99)
      expect(asked.count).toBe(attempt)
      await pass(1)
      expect(asked.count).toBe(attempt + 1)
    }
    expect(await refusal).toBe(FAILURE)
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
        60_000,
      )
    expect(await redlock('86fc11f68a328a2dbfb0b0dc2633dd85')).toBe(1)
    await using one = contender(redis.port, { durationMs: 100, retries: 2 })
    expect(await rejection(one.lock.acquire())).toBe(FAILURE)
    await redis.client.pexpire('TEST', 300)
    await using two = contender(redis.port, { retries: 600 })
    expect(await two.lock.acquire()).toBe(true)
    expect(await redlock('d18b5ea072c0cb1c8382b116fcc52627')).toBe(0)
  })

  it('does not count an attempt that Redis could not answer', async () => {
    await using redis = await redisServer()
    await redis.kill()
    const logs = collectLogs()
    await using one = contender(redis.port, { durationMs: 200, retries: 1, timeoutMs: 100 })
    const acquired = one.lock.acquire()
    await isSaid(logs, 'in doubt')
    await redis.start()
    expect(await acquired).toBe(true)
  })

  it('is ours when the answer to the first attempt got lost', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port, { retries: 600, timeoutMs: 500 })
    await one.client.ping()
    const logs = collectLogs()
    redis.pause()
    const acquired = one.lock.acquire()
    await isSaid(logs, 'in doubt')
    redis.resume()
    expect(await acquired).toBe(true)
  })

  it('stops trying, and extending, when the adapter closes', async () => {
    await using redis = await redisServer()
    await redis.client.set('TEST', 'somebody', 'PX', 60_000)
    const waiting = contender(redis.port, { retries: 5 })
    const acquired = waiting.lock.acquire()
    await waiting.client.ping()
    waiting.notifier.emit('onClose')
    expect(await acquired).toBe(false)
    await waiting[Symbol.asyncDispose]()

    await redis.client.del('TEST')
    await using holder = contender(redis.port, { durationMs: 200 })
    await holder.lock.acquire()
    holder.notifier.emit('onClose')
    await eventually(async () => expect(await redis.client.exists('TEST')).toBe(0))
  })

  it('CA-5: is lost as soon as its time is over, whether or not this process has been able to look', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port)
    await one.lock.acquire()
    const now = performance.now.bind(performance)
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_001)
    expect(one.lock.isLost).toBe(true)
    clock.mockRestore()
    expect(one.lock.isLost).toBe(false)
  })

  it('is lost to another holder with one line in the log, and taken back when that one is gone', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port)
    holdClock()
    await one.lock.acquire()
    const asked = askedBy(one.client)
    const logs = collectLogs()
    await redis.client.set('TEST', 'somebody', 'PX', 600_000)
    for (const ms of [48_000, 15_000, 15_000]) {
      await pass(ms)
      await asked.answered()
      expect(one.lock.isLost).toBe(true)
      expect(logs.map(({ level }) => level)).toEqual(['error'])
    }
    expect(logs[0]!.message).toContain('another process holds it')
    await redis.client.del('TEST')
    await pass(15_000)
    await asked.answered()
    expect(one.lock.isLost).toBe(false)
    expect(await redis.client.get('TEST')).toMatch(/^[0-9a-f]{32}$/)
    expect(logs.map(({ level }) => level)).toEqual(['error', 'warn'])
  })

  it('outlives a hiccup that is shorter than its lease', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port, { timeoutMs: 500 })
    holdClock()
    await one.lock.acquire()
    await redis.client.pexpire('TEST', 12_000)
    const asked = askedBy(one.client)
    const logs = collectLogs()
    redis.pause()
    // The time of the extension, and that of an answer.
    await pass(48_000)
    await pass(500)
    expect(logs.map(({ message }) => message).join()).toContain('in doubt')
    redis.resume()
    // The next attempt, an eighth of what is left later.
    await pass(1_500)
    expect(asked.count).toBe(2)
    await asked.answered()
    expect(await redis.client.pttl('TEST')).toBeGreaterThan(30_000)
    expect(one.lock.isLost).toBe(false)
    // It is ours for a whole life again.
    await pass(47_000)
    expect(one.lock.isLost).toBe(false)
    expect(logs.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('is lost while Redis is away for longer than the lease, and back with it', async () => {
    await using redis = await redisServer()
    await using one = contender(redis.port, { durationMs: 300, retries: 3, timeoutMs: 500 })
    await one.lock.acquire()
    await redis.kill()
    await eventually(() => expect(one.lock.isLost).toBe(true))
    await redis.start()
    await eventually(() => expect(one.lock.isLost).toBe(false))
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
    await eventually(async () => {
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
    await eventually(async () => {
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
