import { afterEach, expect, it, vi } from 'vitest'
import { BurstRateLimiter } from '../../src/outbound-http/burst-rate-limiter'
import { type RateLimiter } from '../../src/outbound-http/rate-limiter'
import { type AdapterRateLimitTier } from '../../src/outbound-http/tiers'
import { RedisSpentStore } from '../../src/redis/redis-spent-store'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { eventually, GUARD_MS } from '../helpers/eventually'
import { clientOf, collectLogs } from './redis-support'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

afterEach(() => void vi.useRealTimers())

/** The store of one process. */
const storeOf = (port: number, patienceMs = GUARD_MS, overrides: Parameters<typeof clientOf>[1] = {}) => {
  const { client, [Symbol.asyncDispose]: end } = clientOf(port, overrides)
  return { client, store: new RedisSpentStore(client, 'TEST', patienceMs), [Symbol.asyncDispose]: end }
}

const holdDate = (unixMs: number) => void vi.useFakeTimers({ toFake: ['Date'], now: unixMs })

/** How many of `demand` requests go out at once. */
const admitted = async (limiter: RateLimiter, demand: number): Promise<number> => {
  let count = 0
  const asked = Array.from({ length: demand }, () => limiter.waitForRateLimit().then(() => count++))
  await asked[0]
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve))
  return count
}

describeWithRedis('what was spent, in Redis', () => {
  it('RL-2: is known to the next process, and comes back no earlier than a window after it was spent', async () => {
    await using redis = await redisServer()
    holdDate(1_700_000_000_000)
    const lengths = [MINUTE_MS, HOUR_MS, 30 * DAY_MS]
    {
      await using process = storeOf(redis.port)
      await process.store.read(lengths)
      process.store.add(2.5)
      await process.store.close()
      vi.setSystemTime(Date.now() + 30_000)
      process.store.add(4)
      await process.store.close()
    }
    vi.setSystemTime(Date.now() + 20_000)
    await using next = storeOf(redis.port)
    const spent = (await next.store.read(lengths))!
    const sums = spent.map((one) => one.reduce((sum, { credits }) => sum + credits, 0))
    expect(sums).toEqual([6.5, 6.5, 6.5])
    const [minute] = spent
    expect(minute!.map(({ credits }) => credits)).toEqual([2.5, 4])
    expect(minute![0]!.backInMs).toBeGreaterThanOrEqual(10_000)
    expect(minute![0]!.backInMs).toBeLessThanOrEqual(11_000)
    expect(minute![1]!.backInMs).toBeGreaterThanOrEqual(40_000)
    vi.setSystemTime(Date.now() + 15_000)
    expect(
      (await next.store.read(lengths))!.map((one) => one.reduce((sum, { credits }) => sum + credits, 0)),
    ).toEqual([4, 6.5, 6.5])
  })

  it('RL-2: counts what several processes spent, and what a clock that was set back since says is still to come', async () => {
    await using redis = await redisServer()
    holdDate(1_700_000_000_000)
    await using one = storeOf(redis.port)
    await using other = storeOf(redis.port)
    for (const { store } of [one, other]) {
      await store.read([HOUR_MS])
      store.add(3)
      await store.close()
    }
    vi.setSystemTime(Date.now() - HOUR_MS / 2)
    await using next = storeOf(redis.port)
    expect(await next.store.read([HOUR_MS])).toEqual([[{ credits: 6, backInMs: HOUR_MS }]])
  })

  it('is a few keys that expire, written at once and then at most once a second', async () => {
    await using redis = await redisServer()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using process = storeOf(redis.port)
    await process.store.read([HOUR_MS, DAY_MS])
    const watching = redis.client.duplicate()
    const monitor = await watching.monitor()
    let writes = 0
    monitor.on('monitor', (_: string, [command]: string[]) => {
      if (command === 'incrbyfloat') writes += 1
    })
    for (let i = 0; i < 1_000; i++) process.store.add(1)
    await eventually(() => expect(writes).toBe(2))
    // What was written is seen a moment before the store has its answer, and one write waits for the other.
    await eventually(async () => {
      await vi.advanceTimersByTimeAsync(1_000)
      expect(writes).toBe(4)
    })
    await vi.advanceTimersByTimeAsync(5_000)
    await process.store.close()
    expect(writes).toBe(4)
    const keys = await redis.client.keys('*')
    expect(keys.length).toBeLessThanOrEqual(4)
    for (const key of keys) expect(await redis.client.pttl(key)).toBeGreaterThan(HOUR_MS / 2)
    const values = await redis.client.mget(keys)
    expect(values.reduce((sum, value) => sum + Number(value), 0)).toBe(2_000)
    monitor.disconnect()
    watching.disconnect()
  })

  it('RL-2: is not spent again by a limiter that starts anew, and what is left of it is', async () => {
    await using redis = await redisServer()
    const tier: AdapterRateLimitTier = { rateLimit1m: 5 }
    {
      await using process = storeOf(redis.port)
      const limiter = new BurstRateLimiter().initialize([], tier)
      limiter.remember(process.store)
      expect(await admitted(limiter, 3)).toBe(3)
      limiter.stop()
      await process.store.close()
    }
    await using process = storeOf(redis.port)
    const limiter = new BurstRateLimiter().initialize([], tier)
    limiter.remember(process.store)
    expect(await admitted(limiter, 9)).toBe(2)
    limiter.stop()
    await process.store.close()
  })

  it('RL-2: leaves the share of the start where Redis is away, holds up nothing after its time, and is written when Redis is back', async () => {
    await using redis = await redisServer()
    redis.pause()
    const logs = collectLogs()
    await using process = storeOf(redis.port, 50, { CACHE_REDIS_TIMEOUT: 50 })
    const limiter = new BurstRateLimiter().initialize([], {
      rateLimit1m: 60,
      rateLimit1h: 3_600,
      startShare: 0.005,
    })
    limiter.remember(process.store)
    expect(await admitted(limiter, 60)).toBe(18)
    expect(logs.filter(({ level }) => level === 'warn').length).toBeGreaterThan(0)
    redis.resume()
    await eventually(async () => {
      const keys = await redis.client.keys(`TEST-rateLimit-${HOUR_MS}-*`)
      const values = keys.length === 0 ? [] : await redis.client.mget(keys)
      expect(values.reduce((sum, value) => sum + Number(value), 0)).toBeGreaterThanOrEqual(18)
    })
    limiter.stop()
    await process.store.close()
  })
})
