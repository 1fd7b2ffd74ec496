import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Redis } from 'ioredis'
import { expect, it, vi } from 'vitest'
import { RedisCache } from '../../src/redis/redis-cache'
import { buildRedisClient, closeRedisClient } from '../../src/redis/redis-client'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { clientOf, collectLogs, countOf, redisCacheOf, settingsFor } from './redis-support'

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

const elapsedOf = async (work: Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await work
  return performance.now() - startedAt
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
    await using process = redisCacheOf(redis.port, wrong)
    const error = await reasonOf(process.cache.get('key'))
    expect(error).toMatchObject({
      name: 'RedisError',
      message: 'There was an unexpected error with the Redis cache',
    })
    await process.cache.set('key', 1, 60_000)
    await vi.waitFor(async () => expect(process.client.status).toBe('reconnecting'))
    await vi.waitFor(() => expect(logs.some(({ level }) => level === 'error')).toBe(true))
    const failures = logs.filter(({ message }) => message.includes('connection to Redis failed'))
    expect(failures).toHaveLength(1)
    expect(failures[0]!.message).toContain('WRONGPASS')
    expect(JSON.stringify(logs)).not.toContain('a-wrong-secret')
    expect(JSON.stringify([error, (error as Error).cause, String(error)])).not.toContain('a-wrong-secret')
    expect(await elapsedOf(reasonOf(process.cache.get('key')))).toBeLessThan(400)
  })

  it('SC-1: does not show the credentials of a URL when nobody is there', async () => {
    const { port, [Symbol.dispose]: free } = await silentServer()
    free()
    const logs = collectLogs()
    const url = `redis://someone:url-secret@127.0.0.1:${port}`
    await using process = redisCacheOf(1, { CACHE_REDIS_URL: url })
    await process.cache.set('key', 1, 60_000)
    await vi.waitFor(() => expect(logs.length).toBeGreaterThan(0))
    expect(JSON.stringify(logs)).not.toContain('url-secret')
  })

  it('CA-4: a Redis that is not there costs a request its patience once, then nothing; retries are counted', async () => {
    const { port, [Symbol.dispose]: free } = await silentServer()
    free()
    const logs = collectLogs()
    const retries = await countOf('redisRetriesCount')
    await using process = redisCacheOf(port)
    const first = await elapsedOf(reasonOf(process.cache.get('key')))
    expect(first).toBeGreaterThan(400)
    expect(first).toBeLessThan(2_500)
    expect(await elapsedOf(reasonOf(process.cache.get('key')))).toBeLessThan(200)
    await vi.waitFor(async () => expect((await countOf('redisRetriesCount')) - retries).toBeGreaterThan(2))
    expect(logs.filter(({ message }) => message.includes('ECONNREFUSED'))).toHaveLength(1)
  })

  it('CA-4: a Redis that takes the connection and says nothing costs no more', async () => {
    using silent = await silentServer()
    await using process = redisCacheOf(silent.port)
    expect(await elapsedOf(reasonOf(process.cache.get('key')))).toBeLessThan(2_500)
    expect(await elapsedOf(process.cache.set('key', 1, 60_000))).toBeLessThan(200)
    expect(await process.cache.get('key')).toBe(1)
  })

  it('CA-4: finds Redis when it comes, and writes and reads again', async () => {
    await using redis = await redisServer()
    await redis.kill()
    await using process = redisCacheOf(redis.port)
    expect(await reasonOf(process.cache.get('key'))).toMatchObject({ name: 'RedisError' })
    await redis.start()
    await vi.waitFor(() => expect(process.client.status).toBe('ready'), { timeout: 5_000 })
    await process.cache.set('key', 1, 60_000)
    expect(await redis.client.get('key')).toBe('1')
  })

  it('CA-4: a command that Redis does not answer ends after CACHE_REDIS_TIMEOUT', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    await process.cache.set('own', 1, 60_000)
    await redis.client.client('PAUSE', 1_500, 'ALL')
    const took = await elapsedOf(
      reasonOf(process.cache.get('key')).then((error) =>
        expect((error as Error).cause).toMatchObject({ message: 'Command timed out' }),
      ),
    )
    expect(took).toBeGreaterThan(450)
    expect(took).toBeLessThan(1_400)
    expect(await process.cache.get('own')).toBe(1)
    await vi.waitFor(async () => expect(await process.cache.get('key')).toBeUndefined(), { timeout: 5_000 })
  })

  it('CA-4: writes nothing after an outage that was meant for before it', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    await process.cache.set('key', 1, 60_000)
    await redis.kill()
    await vi.waitFor(() => expect(process.client.status).not.toBe('ready'))
    await process.cache.set('late', 1, 60_000)
    await process.cache.setMany([{ key: 'later', value: 1 }], 60_000)
    expect(await process.cache.get('late')).toBe(1)
    await redis.start()
    await vi.waitFor(() => expect(process.client.status).toBe('ready'), { timeout: 5_000 })
    await process.cache.set('now', 1, 60_000)
    expect(await redis.client.keys('*')).toEqual(['now'])
  })

  it('RS-1: keeps back writes once a thousand of them wait for an answer', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf<number>(redis.port)
    await process.cache.set('key', 0, 60_000)
    redis.pause()
    const writes = Array.from({ length: 1_500 }, (_, at) => process.cache.set(`key-${at}`, at, 60_000))
    await Promise.all(writes)
    expect(await process.cache.get('key-1499')).toBe(1_499)
    redis.resume()
    await vi.waitFor(async () => expect(await redis.client.dbsize()).toBe(1_001), { timeout: 5_000 })
  })

  it('replaces a connection that is dead without a word', async () => {
    await using redis = await redisServer()
    await using process = redisCacheOf(redis.port)
    await process.cache.set('key', 1, 60_000)
    redis.pause()
    const ended = new Promise((resolve) => process.client.once('close', resolve))
    await process.cache.set('key', 2, 60_000)
    await ended
    redis.resume()
    await vi.waitFor(() => expect(process.client.status).toBe('ready'), { timeout: 10_000 })
    await process.cache.set('key', 3, 60_000)
    expect(await redis.client.get('key')).toBe('3')
  })
})

describeWithRedis('closing the Redis client', () => {
  const isOver = async (client: Redis): Promise<void> => {
    expect(await elapsedOf(closeRedisClient(client))).toBeLessThan(2_500)
    const { stream } = client as unknown as { stream?: Socket }
    expect(stream === undefined || stream.destroyed).toBe(true)
    expect(client).toHaveProperty('reconnectTimeout', null)
  }

  it('LC-3: leaves nothing behind, whatever state it is in', async () => {
    await using redis = await redisServer()
    const connected = clientOf(redis.port).client
    await connected.ping()
    await isOver(connected)
    const connecting = clientOf(redis.port).client
    await isOver(connecting)
    const hung = clientOf(redis.port).client
    await hung.ping()
    redis.pause()
    await isOver(hung)
    redis.resume()
    const lost = clientOf(redis.port).client
    await lost.ping()
    await redis.kill()
    await vi.waitFor(() => expect(lost.status).toBe('reconnecting'))
    await isOver(lost)
    using silent = await silentServer()
    const greeting = clientOf(silent.port).client
    await vi.waitFor(() => expect(silent.sockets.size).toBe(1))
    await isOver(greeting)
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
