import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Redis } from 'ioredis'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { metrics } from '../../src/metrics/registry'
import { RedisCache } from '../../src/redis/redis-cache'
import { buildRedisClient, closeRedisClient } from '../../src/redis/redis-client'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { eventually } from '../helpers/eventually'
import {
  clientOf,
  collectLogs,
  countOf,
  holdClock,
  pass,
  reconnected,
  redisCacheOf,
  settingsFor,
  turn,
  watched,
} from './redis-support'

beforeAll(() => metrics.initialize())
afterEach(() => void vi.useRealTimers())

/** As it is by default, on a clock that the test moves. */
const BRIEF = { CACHE_REDIS_TIMEOUT: 500 }

/** A port that takes connections and never says a word. */
const silentServer = async () => {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** What ends with no more than events: it sets no timer, and none goes off meanwhile. */
const atOnce = async <T>(work: () => Promise<T>): Promise<T> => {
  const timers = vi.getTimerCount()
  const outcome = work()
  expect(vi.getTimerCount()).toBe(timers)
  return outcome
}

/** What ends when a command has waited for its time, and no sooner. */
const afterPatience = async <T>(work: () => Promise<T>): Promise<T> => {
  const waiting = watched(work())
  await pass(499)
  expect(waiting.isThere).toBe(false)
  await pass(1)
  await turn()
  expect(waiting.isThere).toBe(true)
  return waiting.work
}

const reasonOf = (work: Promise<unknown>) => work.catch((reason: unknown) => reason as Error)

it('is set up as the contract has it', () => {
  const settings = settingsFor(1, {
    CACHE_REDIS_HOST: '127.0.0.9',
    CACHE_REDIS_PASSWORD: 'a-password',
    CACHE_REDIS_CONNECTION_TIMEOUT: 4_000,
    CACHE_REDIS_MAX_RECONNECT_COOLDOWN: 5_000,
    CACHE_REDIS_TIMEOUT: 700,
  })
  const client = buildRedisClient(settings)
  client.disconnect()
  expect(client.options).toMatchObject({
    host: '127.0.0.9',
    port: 1,
    password: 'a-password',
    connectTimeout: 4_000,
    commandTimeout: 700,
    maxRetriesPerRequest: 30,
    enableAutoPipelining: true,
    protocol: 2,
  })
  const { retryStrategy } = client.options
  expect([1, 2, 30, 50, 51, 1_000].map((attempt) => retryStrategy!(attempt))).toEqual([
    100, 200, 3_000, 5_000, 5_000, 5_000,
  ])
})

it('takes from a URL what it says, and from the settings what it leaves open', () => {
  const url = 'redis://user:from-url@127.0.0.8'
  const client = buildRedisClient(settingsFor(4_242, { CACHE_REDIS_URL: url, CACHE_REDIS_PASSWORD: 'other' }))
  client.disconnect()
  expect(client.options).toMatchObject({
    host: '127.0.0.8',
    port: 4_242,
    username: 'user',
    password: 'from-url',
    maxRetriesPerRequest: 30,
  })
})

describeWithRedis('the Redis client', () => {
  it('connects by host and port, by URL, and by socket; each connection is counted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'redis-'))
    const path = join(folder, 'socket')
    await using redis = await redisServer({ args: ['--unixsocket', path], password: 'open' })
    const before = await countOf('redisConnectionsOpen')
    const password = 'open'
    const variants = [
      settingsFor(redis.port, { CACHE_REDIS_PASSWORD: password }),
      settingsFor(1, { CACHE_REDIS_URL: `redis://:${password}@127.0.0.1:${redis.port}` }),
      settingsFor(1, { CACHE_REDIS_PATH: path, CACHE_REDIS_PASSWORD: password }),
    ]
    for (const settings of variants) {
      const client = buildRedisClient(settings)
      expect(await client.ping()).toBe('PONG')
      await closeRedisClient(client)
    }
    expect((await countOf('redisConnectionsOpen')) - before).toBe(3)
    rmSync(folder, { recursive: true })
  })

  it('waits at start for the connection that is being made', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    const { cache } = process
    const order = [cache.set('key', 1, 60_000), cache.set('key', 2, 60_000), cache.delete('gone')]
    await Promise.all(order)
    expect(await redis.client.get('key')).toBe('2')
  })

  it('SC-1: says once, and without the password, that the password is wrong; requests end at once', async () => {
    await using redis = await redisServer({ password: 'the-right-one' })
    const logs = collectLogs()
    const wrong = { CACHE_REDIS_PASSWORD: 'a-wrong-secret' }
    await using process = redisCacheOf(redis.port, { ...BRIEF, ...wrong })
    const error = await reasonOf(process.cache.get('key'))
    expect(error).toMatchObject({
      name: 'RedisError',
      message: 'There was an unexpected error with the Redis cache',
    })
    await process.cache.set('key', 1, 60_000)
    await eventually(() => expect(process.client.status).toBe('reconnecting'))
    await eventually(() => expect(logs.some(({ level }) => level === 'error')).toBe(true))
    const failures = logs.filter(
      ({ level, message }) => level === 'error' && message.includes('connection to Redis failed'),
    )
    expect(failures).toHaveLength(1)
    expect(failures[0]!.message).toContain('WRONGPASS')
    expect(JSON.stringify(logs)).not.toContain('a-wrong-secret')
    expect(JSON.stringify([error, (error as Error).cause, String(error)])).not.toContain('a-wrong-secret')
    holdClock()
    expect(await atOnce(() => reasonOf(process.cache.get('other')))).toMatchObject({ name: 'RedisError' })
  })

  it('SC-1: does not show the credentials of a URL when nobody is there', async () => {
    const { port, [Symbol.dispose]: free } = await silentServer()
    free()
    const logs = collectLogs()
    const url = `redis://someone:url-secret@127.0.0.1:${port}`
    await using process = redisCacheOf(1, { ...BRIEF, CACHE_REDIS_URL: url })
    await process.cache.set('key', 1, 60_000)
    await eventually(() => expect(logs.length).toBeGreaterThan(0))
    expect(JSON.stringify(logs)).not.toContain('url-secret')
  })

  it('CA-4: a Redis that is not there costs a request its patience once, then nothing; retries are counted', async () => {
    const { port, [Symbol.dispose]: free } = await silentServer()
    free()
    const logs = collectLogs()
    const retries = await countOf('redisRetriesCount')
    holdClock()
    await using process = redisCacheOf(port, BRIEF)
    expect(await afterPatience(() => reasonOf(process.cache.get('key')))).toMatchObject({
      name: 'RedisError',
    })
    expect(await atOnce(() => reasonOf(process.cache.get('key')))).toMatchObject({ name: 'RedisError' })
    await eventually(async () => {
      await pass(100)
      expect((await countOf('redisRetriesCount')) - retries).toBeGreaterThan(2)
    })
    const errors = logs.filter(({ level }) => level === 'error')
    expect(errors.filter(({ message }) => message.includes('ECONNREFUSED'))).toHaveLength(1)
  })

  it('CA-4: a Redis that takes the connection and says nothing costs no more', async () => {
    using silent = await silentServer()
    await using process = redisCacheOf(silent.port, BRIEF)
    holdClock()
    expect(await afterPatience(() => reasonOf(process.cache.get('key')))).toMatchObject({
      name: 'RedisError',
    })
    await atOnce(() => process.cache.set('key', 1, 60_000))
    expect(await process.cache.get('key')).toBe(1)
    vi.useRealTimers()
  })

  it('CA-4: finds Redis when it comes, and writes and reads again', async () => {
    await using redis = await redisServer()
    await redis.kill()
    holdClock()
    await using process = redisCacheOf(redis.port, BRIEF)
    expect(await afterPatience(() => reasonOf(process.cache.get('key')))).toMatchObject({
      name: 'RedisError',
    })
    await redis.start()
    await reconnected(process.client)
    await process.cache.set('key', 1, 60_000)
    expect(await redis.client.get('key')).toBe('1')
  })

  it('CA-4: a command that Redis does not answer ends after CACHE_REDIS_TIMEOUT', async () => {
    await using redis = await redisServer()
    holdClock()
    await using process = redisCacheOf(redis.port, BRIEF)
    await process.cache.set('own', 1, 60_000)
    redis.pause()
    const error = await afterPatience(() => reasonOf(process.cache.get('key')))
    expect((error as Error).cause).toMatchObject({ message: 'Command timed out' })
    expect(await process.cache.get('own')).toBe(1)
    redis.resume()
    expect(await process.cache.get('key')).toBeUndefined()
  })

  it('CA-4: writes nothing after an outage that was meant for before it', async () => {
    await using redis = await redisServer()
    holdClock()
    await using process = redisCacheOf(redis.port, BRIEF)
    await process.cache.set('key', 1, 60_000)
    await redis.kill()
    await eventually(() => expect(process.client.status).not.toBe('ready'))
    await afterPatience(() => process.cache.set('late', 1, 60_000))
    await process.cache.setMany([{ key: 'later', value: 1 }], 60_000)
    expect(await process.cache.get('late')).toBe(1)
    await redis.start()
    await reconnected(process.client)
    await process.cache.set('now', 1, 60_000)
    expect(await redis.client.keys('*')).toEqual(['now'])
  })

  it('RS-1: keeps back writes once a thousand of them wait for an answer', async () => {
    await using redis = await redisServer()
    holdClock()
    await using process = redisCacheOf<number>(redis.port, BRIEF)
    await process.cache.set('key', 0, 60_000)
    redis.pause()
    const writes = Array.from({ length: 1_500 }, (_, at) => process.cache.set(`key-${at}`, at, 60_000))
    await pass(500)
    await Promise.all(writes)
    expect(await process.cache.get('key-1499')).toBe(1_499)
    redis.resume()
    await eventually(async () => expect(await redis.client.dbsize()).toBe(1_001))
  })

  it('replaces a connection that is dead without a word', async () => {
    await using redis = await redisServer()
    holdClock()
    await using process = redisCacheOf(redis.port, BRIEF)
    await process.cache.set('key', 1, 60_000)
    redis.pause()
    const ended = new Promise((resolve) => process.client.once('close', resolve))
    const written = process.cache.set('key', 2, 60_000)
    await pass(5_000)
    await ended
    await written
    redis.resume()
    await reconnected(process.client)
    await process.cache.set('key', 3, 60_000)
    expect(await redis.client.get('key')).toBe('3')
  })
})

describeWithRedis('closing the Redis client', () => {
  /** @param patienceMs - for how long one that does not answer is waited for; one that does is waited for by no clock */
  const isOver = async (client: Redis, patienceMs?: number): Promise<void> => {
    const closing = watched(closeRedisClient(client))
    if (patienceMs !== undefined) {
      await pass(patienceMs)
      // As many as it takes to close a socket.
      for (let turns = 0; turns < 20; turns++) await turn()
      expect(closing.isThere).toBe(true)
    }
    await closing.work
    const { stream } = client as unknown as { stream?: Socket }
    expect(stream === undefined || stream.destroyed).toBe(true)
    expect(client).toHaveProperty('reconnectTimeout', null)
  }

  it('LC-3: leaves nothing behind, whatever state it is in', async () => {
    await using redis = await redisServer()
    holdClock()
    const connected = clientOf(redis.port).client
    await connected.ping()
    await isOver(connected)
    const connecting = clientOf(redis.port).client
    await isOver(connecting)
    const hung = clientOf(redis.port, BRIEF).client
    await hung.ping()
    redis.pause()
    // For an answer, then for the end of the connection.
    await isOver(hung, 500 + 500)
    redis.resume()
    const lost = clientOf(redis.port).client
    await lost.ping()
    await redis.kill()
    await eventually(() => expect(lost.status).toBe('reconnecting'))
    await isOver(lost)
    using silent = await silentServer()
    const greeting = clientOf(silent.port).client
    await eventually(() => expect(silent.sockets.size).toBe(1))
    await isOver(greeting, 500)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('refuses further commands, quietly', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    await process.cache.set('key', 1, 60_000)
    const logs = collectLogs()
    const closing = closeRedisClient(process.client)
    expect(closeRedisClient(process.client)).toBe(closing)
    await process.cache.set('key', 2, 60_000)
    await closing
    await process.cache.setMany([{ key: 'key', value: 3 }], 60_000)
    expect(await reasonOf(process.cache.get('other'))).toMatchObject({ name: 'RedisError' })
    expect(await process.cache.get('key')).toBe(3)
    expect(await redis.client.get('key')).toBe('1')
    expect(logs).toEqual([])
  })

  it('copes with a double that has a `quit` and no more', async () => {
    const quit = vi.fn()
    const double = { quit, defineCommand: () => {} } as never
    new RedisCache(double, 1)
    await closeRedisClient(double)
    await closeRedisClient(double)
    expect(quit).toHaveBeenCalledTimes(1)
  })
})
