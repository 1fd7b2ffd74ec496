import { afterEach, expect, it, vi } from 'vitest'
import { CacheFactory, CacheTypes, LocalCache, RedisCache } from '../../src/public/cache'
import { localLayerOf } from '../../src/feeds/local-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import { RedisMock } from '../../src/testing/redis-mock'
import { eventually } from '../helpers/eventually'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { collectLogs, redisCacheOf, sent } from './redis-support'

afterEach(() => void vi.useRealTimers())

const timestamps = {
  providerDataRequestedUnixMs: 1,
  providerDataReceivedUnixMs: 2,
  providerIndicatedTimeUnixMs: undefined,
}
const success = (result: number): AdapterResponse => ({
  result,
  data: { result },
  timestamps,
  statusCode: 200,
})
const failure = (errorMessage: string): AdapterResponse => ({ errorMessage, statusCode: 502, timestamps })

describeWithRedis('RedisCache', () => {
  it('writes the JSON of a response under its key, with its TTL, and nothing else', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    const key = 'TEST-price-default_single_transport-{"base":"eth","quote":"usd"}'
    await process.cache.set(key, success(1.5), 60_000)
    expect((await redis.client.getBuffer(key))!.toString('utf8')).toBe(
      '{"result":1.5,"data":{"result":1.5},"timestamps":{"providerDataRequestedUnixMs":1,"providerDataReceivedUnixMs":2},"statusCode":200}',
    )
    expect(await redis.client.type(key)).toBe('string')
    expect(await redis.client.keys('*')).toEqual([key])
    const left = await redis.client.pttl(key)
    expect(left).toBeGreaterThan(30_000)
    expect(left).toBeLessThanOrEqual(60_000)
    expect(process.cache.type).toBe(CacheTypes.Redis)
  })

  it('keeps bytes of every language, and reads them back equal', async () => {
    await using redis = await redisServer()
    await using writer = redisCacheOf(redis.port)
    await using reader = redisCacheOf(redis.port)
    const value = { ...success(1), data: { text: 'ключ "é" 漢字 🚀 \n\u0000' } }
    await writer.cache.set('ключ', value, 60_000)
    expect(await reader.cache.get('ключ')).toEqual(JSON.parse(JSON.stringify(value)))
  })

  it('writes many as one transaction of script calls', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    const monitor = await redis.client.monitor()
    const commands: string[][] = []
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      if (source !== 'lua') commands.push(args)
    })
    await process.cache.setMany(
      [
        { key: 'a', value: success(1) },
        { key: 'b', value: success(2) },
      ],
      30_000,
    )
    await eventually(() => expect(commands.map(([name]) => name)).toContain('exec'))
    monitor.disconnect()
    const from = commands.findIndex(([name]) => name === 'multi')
    expect(commands.slice(from).map(([name]) => name)).toEqual(['multi', 'eval', 'evalsha', 'exec'])
    expect(commands.slice(from + 1, -1).map((args) => args.slice(2))).toEqual([
      ['1', 'a', JSON.stringify(success(1)), '30000'],
      ['1', 'b', JSON.stringify(success(2)), '30000'],
    ])
    expect(await redis.client.mget('a', 'b')).toEqual([success(1), success(2)].map((v) => JSON.stringify(v)))
  })

  it('answers what it wrote itself from memory, the very object, without asking Redis', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    const value = success(1)
    await process.cache.set('key', value, 60_000)
    const before = await sent('get')
    expect(await process.cache.get('key')).toBe(value)
    expect(await sent('get')).toBe(before)
  })

  it('CA-1: has a write in memory before the call returns', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    const [first, second] = [success(1), success(2)]
    const written = process.cache.setMany([{ key: 'key', value: first }], 60_000)
    expect(localLayerOf(process.cache)!.read('key')!.value).toBe(first)
    const again = process.cache.set('key', second, 60_000)
    expect(await process.cache.get('key')).toBe(second)
    await Promise.all([written, again])
    expect(JSON.parse((await redis.client.get('key'))!)).toMatchObject({ result: 2 })
  })

  it('CA-1: keeps the order of writes of all kinds', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    const { cache } = process
    await Promise.all([
      cache.set('a', success(1), 60_000),
      cache.setMany([{ key: 'a', value: success(2) }], 60_000),
      cache.delete('b'),
      cache.set('b', success(3), 60_000),
      cache.setTTL('c', 10),
      cache.set('c', success(4), 60_000),
      cache.set('d', success(5), 60_000),
      cache.delete('d'),
    ])
    const texts = await redis.client.mget('a', 'b', 'c', 'd')
    expect(texts.map((text) => text && (JSON.parse(text) as AdapterResponse).result)).toEqual([2, 3, 4, null])
    expect(await redis.client.pttl('c')).toBeGreaterThan(30_000)
  })

  it.each([
    { stored: success(1), next: failure('no'), kept: true },
    { stored: failure('old'), next: failure('new'), kept: false },
    { stored: failure('old'), next: success(1), kept: false },
    { stored: success(1), next: success(2), kept: false },
    { stored: success(1), next: { ...success(2), errorMessage: '' }, kept: false },
    { stored: success(1), next: { ...success(2), errorMessage: null }, kept: false },
    { stored: { ...success(1), note: '"errorMessage"' }, next: failure('no'), kept: true },
    { stored: { ...success(1), data: { errorMessage: 'inside' } }, next: failure('no'), kept: true },
  ])('17.4: of $stored and $next Redis keeps the live success', async ({ stored, next, kept }) => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    await redis.client.set('key', JSON.stringify(stored), 'PX', 40_000)
    await process.cache.set('key', next, 600_000)
    expect(JSON.parse((await redis.client.get('key'))!)).toEqual(
      JSON.parse(JSON.stringify(kept ? stored : next)),
    )
    // A write that was dropped leaves the TTL alone.
    expect((await redis.client.pttl('key')) > 40_000).toBe(!kept)
  })

  it.each(['no JSON', '', '5', 'null', '"text"', '{"errorMessage":"x"'])(
    '17.4: an error replaces what is in Redis and is no response: %j',
    async (stored) => {
      await using redis = await redisServer()
      await using process = redisCacheOf(redis.port)
      await redis.client.set('key', stored)
      await process.cache.setMany([{ key: 'key', value: failure('no') }], 60_000)
      expect(JSON.parse((await redis.client.get('key'))!)).toMatchObject({ errorMessage: 'no' })
    },
  )

  it('17.4: an error is stored once the success has expired', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    await process.cache.set('key', success(1), 20)
    await eventually(async () => expect(await redis.client.exists('key')).toBe(0))
    await process.cache.set('key', failure('no'), 60_000)
    expect(JSON.parse((await redis.client.get('key'))!)).toMatchObject({ errorMessage: 'no' })
  })

  it('deletes, and changes TTLs, in Redis and in memory', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    const { cache } = process
    await cache.setMany([{ key: 'a', value: success(1) }, { key: 'b', value: success(2) }], 60_000) // prettier-ignore
    await cache.setTTL('a', 30_000)
    expect(await redis.client.pttl('a')).toBeLessThanOrEqual(30_000)
    expect(localLayerOf(cache)!.read('a')!.expirationTimestamp).toBeLessThanOrEqual(Date.now() + 30_000)
    await cache.delete('b')
    expect(await redis.client.exists('b')).toBe(0)
    expect(await cache.get('b')).toBeUndefined()
    await cache.setTTL('a', 0)
    expect(await redis.client.exists('a')).toBe(0)
    expect(await cache.get('a')).toBeUndefined()
  })

  it.each([0, -5, 0.4, NaN])('takes a TTL of %d as over at once', async (ttl) => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    await redis.client.set('key', JSON.stringify(success(1)))
    await process.cache.set('key', success(2), ttl)
    await eventually(async () => expect(await redis.client.exists('key')).toBe(0))
  })

  it('writes nothing for an empty list, and keeps to itself what is no JSON', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    await process.cache.setMany([], 1_000)
    await process.cache.setMany([{ key: 'a', value: undefined as never }, { key: 'b', value: 1 }], 60_000) // prettier-ignore
    await process.cache.set('c', undefined as never, 60_000)
    expect(await redis.client.keys('*')).toEqual(['b'])
  })

  it('goes on writing after Redis forgot its scripts', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    const many = (result: number) => [
      { key: 'a', value: success(result) },
      { key: 'b', value: failure('no') },
    ]
    await process.cache.setMany(many(1), 60_000)
    await redis.client.script('FLUSH')
    await process.cache.setMany(many(2), 60_000)
    await redis.client.script('FLUSH')
    await process.cache.set('c', success(3), 60_000)
    const texts = await redis.client.mget('a', 'b', 'c')
    expect(texts.map((text) => JSON.parse(text!) as AdapterResponse)).toMatchObject([
      { result: 2 },
      { errorMessage: 'no' },
      { result: 3 },
    ])
  })

  it('counts each command by the name of the contract', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    const names = ['setExternalAdapterResponse', 'exec', 'get', 'delete', 'setTTL']
    const counts = () => Promise.all(names.map((name) => sent(name)))
    const before = await counts()
    const { cache } = process
    await cache.set('a', 1, 60_000)
    await cache.setMany([{ key: 'b', value: 1 }, { key: 'c', value: 1 }], 60_000) // prettier-ignore
    await cache.get('a')
    await cache.get('nothing')
    await cache.delete('a')
    await cache.setTTL('b', 1_000)
    const after = await counts()
    expect(after.map((count, at) => count - before[at]!)).toEqual([1, 1, 1, 1, 1])
  })
})

describeWithRedis('a reader', () => {
  it('asks Redis once for many requests at a time, and again only when its copy is a second old', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    await redis.client.set('key', JSON.stringify(success(1)), 'PX', 60_000)
    vi.useFakeTimers({ toFake: ['Date'] })
    const now = Date.now()
    const before = await sent('get')
    const values = await Promise.all(Array.from({ length: 50 }, () => process.cache.get('key')))
    expect(values.every((value) => value?.result === 1)).toBe(true)
    await redis.client.set('key', JSON.stringify(success(2)), 'PX', 60_000)
    vi.setSystemTime(now + 999)
    expect((await process.cache.get('key'))?.result).toBe(1)
    expect((await sent('get')) - before).toBe(1)
    vi.setSystemTime(now + 1_000)
    expect((await process.cache.get('key'))?.result).toBe(2)
    expect((await sent('get')) - before).toBe(2)
  })

  it('CA-2: does not keep a copy longer than the value lives in Redis', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    let copy: { expirationTimestamp: number } | undefined
    // Again where it has ended on the way.
    for (let n = 0; copy === undefined; n++) {
      await redis.client.set(`key-${n}`, JSON.stringify(success(n)), 'PX', 300)
      await process.cache.get(`key-${n}`)
      copy = localLayerOf(process.cache)!.read(`key-${n}`)
    }
    expect(copy.expirationTimestamp - Date.now()).toBeLessThanOrEqual(300)
  })

  it('keeps no copy of a value without an end', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    await redis.client.set('key', JSON.stringify(success(1)))
    expect(await process.cache.get('key')).toMatchObject({ result: 1 })
    await redis.client.set('key', JSON.stringify(success(2)))
    expect(await process.cache.get('key')).toMatchObject({ result: 2 })
  })

  it('does not make a copy live on by giving the value a longer life in Redis', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    await redis.client.set('key', JSON.stringify(success(1)), 'PX', 60_000)
    await process.cache.get('key')
    await process.cache.setTTL('key', 600_000)
    await redis.client.set('key', JSON.stringify(success(2)), 'KEEPTTL')
    expect(await redis.client.pttl('key')).toBeGreaterThan(60_000)
    expect(await process.cache.get('key')).toMatchObject({ result: 2 })
  })

  it('CA-1: answers what it wrote while it was asking', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    await redis.client.set('key', JSON.stringify(success(1)), 'PX', 60_000)
    await process.cache.get('other')
    const asked = process.cache.get('key')
    const own = success(2)
    await process.cache.set('key', own, 60_000)
    expect(await asked).toBe(own)
    expect(await process.cache.get('key')).toBe(own)
  })

  it('CA-1: does not keep what it deleted while it was asking', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    await redis.client.set('key', JSON.stringify(success(1)), 'PX', 60_000)
    await process.cache.get('other')
    const asked = process.cache.get('key')
    await process.cache.delete('key')
    await asked
    expect(await process.cache.get('key')).toBeUndefined()
  })

  it.each(['not JSON', '', '{"result":1', 'undefined', 'null'])(
    'CA-7: takes %j in Redis for no value',
    async (text) => {
      await using redis = await redisServer()
      await using process = redisCacheOf<AdapterResponse>(redis.port)
      await redis.client.set('key', text)
      const logs = collectLogs()
      const before = await sent('get', 'FAIL')
      expect(await process.cache.get('key')).toBeUndefined()
      expect(await process.cache.get('key')).toBeUndefined()
      const isReadable = text === 'null'
      expect((await sent('get', 'FAIL')) - before).toBe(isReadable ? 0 : 2)
      expect(logs.filter(({ level }) => level === 'warn')).toHaveLength(isReadable ? 0 : 1)
    },
  )

  it('rejects with what Redis says of a key of another type', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    await redis.client.sadd('key', 'a')
    const before = await sent('get', 'FAIL')
    const error = await process.cache.get('key').catch((reason: unknown) => reason as Error)
    expect(error).toMatchObject({ name: 'ReplyError', message: expect.stringContaining('WRONGTYPE') })
    expect(error).not.toHaveProperty('command')
    expect((await sent('get', 'FAIL')) - before).toBe(1)
  })
})

describeWithRedis('a process beside one of the reference framework', () => {
  // As the reference writes: the script's SET of the response's JSON, key order and meta as it has them.
  const written =
    '{"result":1800.5,"data":{"result":1800.5},"timestamps":{"providerDataReceivedUnixMs":1700000000001,"providerDataStreamEstablishedUnixMs":1700000000000,"providerIndicatedTimeUnixMs":1700000000000},"statusCode":200,"meta":{"adapterName":"TEST","metrics":{"feedId":"{\\"base\\":\\"eth\\"}"}}}'

  it('reads what the other wrote', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    await redis.client.set('TEST-price-ws-{"base":"eth"}', written, 'PX', 90_000)
    expect(JSON.stringify(await process.cache.get('TEST-price-ws-{"base":"eth"}'))).toBe(written)
  })

  it('writes what the other reads: a string of JSON that expires', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    await process.cache.set('key', JSON.parse(written) as AdapterResponse, 90_000)
    expect(await redis.client.get('key')).toBe(written)
  })

  it("17.4: neither replaces the other's live success with an error", async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<AdapterResponse>(redis.port)
    await redis.client.set('key', written, 'PX', 90_000)
    await process.cache.setMany([{ key: 'key', value: failure('no') }], 90_000)
    expect(await redis.client.get('key')).toBe(written)
  })
})

it('is built for CACHE_TYPE redis, and not without a client', () => {
  const build = (cacheType: string, client?: unknown) =>
    CacheFactory.buildCache({ cacheType, maxSizeForLocalCache: 7 }, client as never)
  expect(build('redis', new RedisMock())).toBeInstanceOf(RedisCache)
  expect(build('local')).toBeInstanceOf(LocalCache)
  expect(() => build('redis')).toThrow('Redis client undefined. Cannot create Redis cache')
  expect(() => build('other')).toThrow('"other"')
})

it("works over a test double that has no more than the contract's commands", async () => {
  const client = new RedisMock()
  const writer = new RedisCache<AdapterResponse>(client as never, 10)
  const reader = new RedisCache<AdapterResponse>(client as never, 10)
  await writer.set('a', success(1), 60_000)
  await writer.setMany([{ key: 'b', value: success(2) }], 60_000)
  expect(await reader.get('a')).toMatchObject({ result: 1 })
  expect(await reader.get('b')).toMatchObject({ result: 2 })
  await writer.setTTL('a', 1_000)
  await writer.delete('a')
  expect(await reader.get('a')).toBeUndefined()
  // The contract's double fails for keys like this one; what was written is there all the same.
  await writer.set('force-error', success(3), 60_000)
  await writer.setMany([{ key: 'force-error-too', value: success(4) }], 60_000)
  expect(await writer.get('force-error')).toMatchObject({ result: 3 })
  expect(await writer.get('force-error-too')).toMatchObject({ result: 4 })
})

it('has no layer in memory to read past a `get` that somebody replaced', () => {
  const cache = new RedisCache<AdapterResponse>(new RedisMock() as never, 10)
  expect(localLayerOf(cache)).toBeInstanceOf(LocalCache)
  cache.get = () => Promise.resolve(success(1))
  expect(localLayerOf(cache)).toBeUndefined()
})
