import { afterEach, expect, it, vi } from 'vitest'
import { identify } from '../../src/feeds/delta'
import { ExpiringSortedSet } from '../../src/feeds/expiring-sorted-set'
import { WantedRoom } from '../../src/feeds/feed-rooms'
import { fullFor } from '../../src/feeds/full-set'
import { SubscriptionSetFactory } from '../../src/adapter/subscription-set-factory'
import { RedisSubscriptionSet } from '../../src/public/util/subscription-set/redis-sorted-set'
import { clientOf, collectLogs, holdClock, pass, reconnected, sent } from './redis-support'
import { eventually } from '../helpers/eventually'
import { describeWithRedis, redisServer } from '../helpers/redis-server'

afterEach(() => void vi.useRealTimers())

const KEY = 'TEST-price-ws-subscriptionSet'
const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const large = (n: number) => ({ base: `${n} ${'x'.repeat(10_000)}` })

/** Where nothing comes of waiting for Redis. */
const BRIEF = { CACHE_REDIS_TIMEOUT: 50 }

/** The set of one process. */
const setOf = (
  port: number,
  capacity?: number,
  overrides: Parameters<typeof clientOf>[1] = {},
  room?: WantedRoom,
) => {
  const { client, [Symbol.asyncDispose]: end } = clientOf(port, overrides)
  const set = new RedisSubscriptionSet<object>(client, KEY, capacity, room)
  return { client, set, [Symbol.asyncDispose]: end }
}

describeWithRedis('RedisSubscriptionSet', () => {
  it('17.16: keeps members as JSON in a sorted set, by the time at which they expire', async () => {
    await using redis = await redisServer()
    await using process = setOf(redis.port)
    const before = Date.now()
    await process.set.add({ quote: 'USD', base: 'ETH', list: [], none: undefined }, 60_000, 'some-key')
    expect(await redis.client.type(KEY)).toBe('zset')
    const [member, score] = await redis.client.zrange(KEY, 0, '-1', 'WITHSCORES')
    expect(member).toBe('{"quote":"USD","base":"ETH","list":[]}')
    expect(Number(score)).toBeGreaterThanOrEqual(before + 60_000)
    expect(Number(score)).toBeLessThanOrEqual(Date.now() + 60_000)
    expect(await redis.client.pttl(KEY)).toBe(-1)
    expect(process.set.get('some-key')).toBeUndefined()
  })

  it('gives what is wanted by all processes, the first to expire first, and takes the expired out', async () => {
    await using redis = await redisServer()
    await using reader = setOf(redis.port)
    await using writer = setOf(redis.port)
    await reader.set.add(BTC, 50_000)
    // As another process of any version writes.
    await redis.client.zadd(KEY, Date.now() + 40_000, '{"base":"ETH","quote":"USD"}')
    await redis.client.zadd(KEY, Date.now() - 1, '{"base":"OLD","quote":"USD"}')
    expect(await writer.set.getAll()).toEqual([ETH, BTC])
    expect(await redis.client.zcard(KEY)).toBe(2)
  })

  it('tells whether a feed is wanted without waiting for Redis, and reads the set again for the next who asks', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    await using redis = await redisServer()
    await using process = setOf(redis.port)
    await redis.client.zadd(KEY, Date.now() + 5_000, '{"base":"ETH","quote":"USD"}')
    await process.set.getAll()
    expect(process.set.has({ quote: 'usd', base: 'eth' }, identify)).toBe(true)
    expect(process.set.has(BTC, identify)).toBe(false)
    await process.set.add(BTC, 5_000, 'btc')
    expect(process.set.has(BTC, identify)).toBe(true)
    vi.setSystemTime(Date.now() + 6_000)
    await eventually(() =>
      expect([ETH, BTC].map((feed) => process.set.has(feed, identify))).toEqual([false, false]),
    )
  })

  it('refuses a large feed that is new where there is no room, and has room again when one has expired', async () => {
    await using redis = await redisServer()
    await using process = setOf(redis.port)
    const settings = { CACHE_TYPE: 'redis', SUBSCRIPTION_SET_MAX_ITEMS: 100 }
    const room = new WantedRoom(50_000)
    const set = new SubscriptionSetFactory(settings, 'TEST', process.client, room).buildSet('price', 'ws')
    await set.add(large(0), 60_000, 'large 0')
    await set.add(large(1), 5, 'large 1')
    expect(fullFor(set, 'large 0', large(0))).toBeUndefined()
    expect(fullFor(set, 'small', ETH)).toBeUndefined()
    await eventually(() => expect(fullFor(set, 'large 2', large(2))).toBeUndefined())
    await set.add(large(2), 60_000, 'large 2')
    expect(fullFor(set, 'large 3', large(3))).toMatchObject({
      code: 'CAPACITY',
      message: expect.stringContaining('take as much memory as they may') as string,
    })
  })

  it('leaves out large members of other processes that there is no room for, until there is', async () => {
    const lines = collectLogs()
    await using redis = await redisServer()
    const room = new WantedRoom(50_000)
    await using process = setOf(redis.port, undefined, {}, room)
    for (const n of [0, 1, 2]) await redis.client.zadd(KEY, Date.now() + 60_000 + n, JSON.stringify(large(n)))
    await redis.client.zadd(KEY, Date.now() + 90_000, JSON.stringify(ETH))
    expect(await process.set.getAll()).toEqual([large(0), large(1), ETH])
    expect(lines.map(({ message }) => message).join()).toContain('A member of the set in Redis is left out')
    await redis.client.zrem(KEY, JSON.stringify(large(0)))
    expect(await process.set.getAll()).toEqual([large(1), large(2), ETH])
    expect(room.hasFor(30_000)).toBe(false)
    await redis.client.del(KEY)
    expect(await process.set.getAll()).toEqual([])
    expect(room.hasFor(50_000)).toBe(true)
  })

  it('counts its commands', async () => {
    await using redis = await redisServer()
    await using process = setOf(redis.port)
    const counts = () => Promise.all(['zadd', 'zremrangebyscore', 'zrange'].map((name) => sent(name)))
    const before = await counts()
    await process.set.add(ETH, 60_000)
    await process.set.getAll()
    expect((await counts()).map((count, at) => count - before[at]!)).toEqual([1, 1, 1])
  })

  it('is one object for each feed for as long as that is wanted, so that looking again costs nothing', async () => {
    await using redis = await redisServer()
    await using process = setOf(redis.port)
    await redis.client.zadd(KEY, Date.now() + 60_000, JSON.stringify(ETH))
    const [first] = await process.set.getAll()
    await process.set.add(BTC, 120_000)
    expect((await process.set.getAll())[0]).toBe(first)
    await redis.client.zrem(KEY, JSON.stringify(ETH))
    expect(await process.set.getAll()).toEqual([BTC])
    await redis.client.zadd(KEY, Date.now() + 60_000, JSON.stringify(ETH))
    expect((await process.set.getAll())[0]).not.toBe(first)
  })

  it('17.9: keeps the first spelling of a feed while this process wants it', async () => {
    await using redis = await redisServer()
    await using process = setOf(redis.port)
    await process.set.add(ETH, 60_000, 'eth-usd')
    await process.set.add({ base: 'eth', quote: 'usd' }, 60_000, 'eth-usd')
    expect(await process.set.getAll()).toEqual([ETH])
  })

  it('does not tell Redis of every request for a feed that all ask for, and of each a second later', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    try {
      await using redis = await redisServer()
      await using process = setOf(redis.port)
      const score = async () => Number(await redis.client.zscore(KEY, JSON.stringify(ETH)))
      await process.set.add(ETH, 60_000, 'eth')
      vi.setSystemTime(1_700_000_000_999)
      await process.set.add(ETH, 60_000, 'eth')
      expect(await score()).toBe(1_700_000_060_000)
      vi.setSystemTime(1_700_000_001_000)
      await process.set.add(ETH, 60_000, 'eth')
      expect(await score()).toBe(1_700_000_061_000)
      // A short life is refreshed as often in its turn, and a clock that was set back does not stop it.
      await process.set.add(BTC, 1_000, 'btc')
      vi.setSystemTime(1_700_000_001_100)
      await process.set.add(BTC, 1_000, 'btc')
      expect(Number(await redis.client.zscore(KEY, JSON.stringify(BTC)))).toBe(1_700_000_002_100)
      vi.setSystemTime(1_700_000_000_500)
      await process.set.add(ETH, 60_000, 'eth')
      expect(await score()).toBe(1_700_000_060_500)
    } finally {
      vi.useRealTimers()
    }
  })

  it('passes over what in Redis is no feed, with a warning', async () => {
    await using redis = await redisServer()
    await using process = setOf(redis.port)
    const logs = collectLogs()
    const members = ['no JSON', '5', 'null', '"text"', JSON.stringify(ETH)]
    for (const member of members) await redis.client.zadd(KEY, Date.now() + 60_000, member)
    expect(await process.set.getAll()).toEqual([ETH])
    expect(logs.map(({ level }) => level)).toEqual(['warn'])
  })

  it('wakes its follower for a feed that is new, once it is in Redis, and for no other', async () => {
    await using redis = await redisServer()
    await using process = setOf(redis.port)
    const onAdded = vi.fn()
    process.set.follow(onAdded)
    await redis.client.zadd(KEY, Date.now() + 60_000, JSON.stringify(BTC))
    await process.set.getAll()
    await process.set.add(BTC, 60_000)
    expect(onAdded).not.toHaveBeenCalled()
    const adding = process.set.add(ETH, 60_000)
    expect(onAdded).not.toHaveBeenCalled()
    await adding
    await process.set.add(ETH, 60_000)
    expect(onAdded).toHaveBeenCalledTimes(1)
  })

  it('CA-4: goes on with what was and what this process wants while Redis is away, and tells it when it is back', async () => {
    await using redis = await redisServer()
    await using process = setOf(redis.port)
    holdClock()
    await redis.client.zadd(KEY, Date.now() + 60_000, JSON.stringify(BTC))
    await process.set.getAll()
    const onAdded = vi.fn()
    process.set.follow(onAdded)
    const logs = collectLogs()
    await redis.kill()
    await eventually(() => expect(process.client.status).not.toBe('ready'))
    const added = process.set.add(ETH, 60_000)
    await pass(process.client.options.commandTimeout!)
    await added
    expect(onAdded).toHaveBeenCalledTimes(1)
    expect(await process.set.getAll()).toEqual([BTC, ETH])
    expect(await process.set.getAll()).toEqual([BTC, ETH])
    const errors = logs.filter(({ message }) => message.includes('out of reach'))
    expect(errors.map(({ fields }) => fields['function'])).toEqual(['zadd', 'zrange'])
    await redis.start()
    await reconnected(process.client)
    await reconnected(redis.client)
    // Redis came back empty: what nobody asks for again is gone, what this process wants is not.
    expect(await process.set.getAll()).toEqual([ETH])
    await process.set.add(ETH, 60_000)
    expect(await process.set.getAll()).toEqual([ETH])
    expect(await redis.client.zrange(KEY, 0, '-1')).toEqual([JSON.stringify(ETH)])
  })

  it('CA-4: drops what this process wanted once that has expired, with Redis or without', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    try {
      await using redis = await redisServer()
      await using process = setOf(redis.port, undefined, BRIEF)
      await process.set.getAll()
      await redis.kill()
      await process.set.add(ETH, 60_000)
      vi.setSystemTime(1_700_000_059_999)
      expect(await process.set.getAll()).toEqual([ETH])
      vi.setSystemTime(1_700_000_060_000)
      expect(await process.set.getAll()).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  it('rejects a member that Redis did not take where nobody in this process would ever see it', async () => {
    await using redis = await redisServer()
    await using process = setOf(redis.port)
    await redis.client.set(KEY, 'a string')
    await expect(process.set.add(ETH, 60_000)).rejects.toMatchObject({
      name: 'ReplyError',
      message: expect.stringContaining('WRONGTYPE'),
    })
    await redis.kill()
    holdClock()
    const refused = expect(process.set.add(BTC, 60_000)).rejects.toMatchObject({ name: 'RedisError' })
    await pass(process.client.options.commandTimeout!)
    await refused
  })

  it('RS-1: remembers no more of its own than its capacity', async () => {
    await using redis = await redisServer()
    await redis.kill()
    await using process = setOf(redis.port, 3, BRIEF)
    await process.set.getAll()
    const feeds = [1, 2, 3, 4, 5].map((base) => ({ base }))
    for (const feed of feeds) await process.set.add(feed, 60_000)
    expect(await process.set.getAll()).toEqual(feeds.slice(2))
  })
})

it('is built where responses are kept, under a name of its own', async () => {
  const settings = { CACHE_TYPE: 'redis', CACHE_PREFIX: '', SUBSCRIPTION_SET_MAX_ITEMS: 1_000 }
  const keys: unknown[] = []
  const client = { zadd: (key: string) => Promise.resolve(keys.push(key)) } as never
  for (const CACHE_PREFIX of ['', 'prefix']) {
    const factory = new SubscriptionSetFactory({ ...settings, CACHE_PREFIX }, 'TEST', client)
    await factory.buildSet('price', 'ws').add(ETH, 1_000, 'key')
  }
  expect(keys).toEqual(['TEST-price-ws-subscriptionSet', 'prefix-TEST-price-ws-subscriptionSet'])
  const without = new SubscriptionSetFactory(settings, 'TEST')
  expect(() => without.buildSet('price', 'ws')).toThrow(
    new Error('Redis client undefined. Cannot create Redis subscription set'),
  )
  const local = new SubscriptionSetFactory({ ...settings, CACHE_TYPE: 'local' }, 'TEST', client)
  expect(local.buildSet('price', 'ws')).toBeInstanceOf(ExpiringSortedSet)
})
