import { afterEach, expect, it, vi } from 'vitest'
import { expose } from '../../src/service/expose'
import { renderMetrics } from '../../src/metrics/render'
import { startService } from '../../src/service/single'
import { parseSamples, sampleValue } from '../../src/testing/samples'
import { wsProvider } from '../../src/testing/ws-provider'
import { collectLogs, holdClock, loggerFactory, pass, sent, watched } from '../redis/redis-support'
import { eventually } from '../helpers/eventually'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { keyOf, stillAdapter } from '../http/support'
import { acme, AT_ONCE, BTC, envOf, ETH, processOf, still, unusedPort } from './redis-support'

const SET = 'TEST-price-default_single_transport-subscriptionSet'
const UNEXPECTED = 'There was an unexpected error with the Redis cache'
const LOCKED_OUT = /^The adapter failed to acquire a lock on the cache\./

const setEnv = (variables: Record<string, string>) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
}
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** As it is by default, on a clock that the test moves. */
const BRIEF = { CACHE_REDIS_TIMEOUT: '500' }

describeWithRedis('an adapter with Redis', () => {
  it('8.7: has a response, a subscription set and a lock there, all under its prefix', async () => {
    await using redis = await redisServer()
    await using one = await still(redis.port, 'reader-writer', {
      ...AT_ONCE,
      CACHE_PREFIX: 'blue',
      CACHE_LOCK_DEFERRAL_MS: '0',
    })
    expect(await one.adapter.lockAcquiredPromise).toBe(true)
    expect((await one.post(ETH)).statusCode).toBe(504)
    await one.transport.put(ETH, 1800.5)
    const keys = await redis.client.keys('*')
    expect(keys.sort()).toEqual(['blue-TEST', `blue-${keyOf('eth', 'usd')}`, `blue-${SET}`].sort())
    expect(await redis.client.zrange(`blue-${SET}`, 0, '-1')).toEqual(['{"base":"ETH","quote":"USD"}'])
    const stored = (await redis.client.get(`blue-${keyOf('eth', 'usd')}`))!
    const answer = await one.post(ETH)
    expect(answer).toMatchObject({ statusCode: 200, text: stored })
    expect(JSON.parse(stored)).toMatchObject({
      result: 1800.5,
      data: { result: 1800.5 },
      statusCode: 200,
      meta: { adapterName: 'TEST', transportName: 'default_single_transport' },
    })
  })

  it('8.5, 17.4: has no value there that JSON cannot hold, and keeps the good one', async () => {
    await using redis = await redisServer()
    await using one = await still(redis.port, 'reader-writer', AT_ONCE)
    await using reader = await still(redis.port, 'reader', AT_ONCE)
    const write = (params: typeof ETH, result: unknown) =>
      one.transport.responseCache.write(one.transport.name, [
        { params, response: { result, data: {}, timestamps: { providerDataReceivedUnixMs: 1 } } },
      ] as never)
    await one.transport.put(ETH, 5)
    await write(ETH, 2n)
    await write(BTC, 2n)
    const key = keyOf('eth', 'usd')
    await expect(one.adapter.dependencies.cache.set(key, { result: 2n }, 1_000)).rejects.toThrow(TypeError)
    const says = 'Response could not be censored due to an error'
    for (const process of [one, reader]) {
      expect((await process.post(ETH)).json().result).toBe(5)
      const { statusCode, text } = await process.post(BTC)
      expect(statusCode).toBe(502)
      expect(text).toContain(says)
    }
  })

  it.each([100, 204, 304, 1000, 'x', 200.5, null])(
    'answers 502 to a value there whose status code is %s',
    async (statusCode) => {
      await using redis = await redisServer()
      await using one = await still(redis.port, 'reader', AT_ONCE)
      const stored = JSON.stringify({ result: 1, data: { result: 1 }, statusCode, timestamps: {} })
      await redis.client.set(keyOf('eth', 'usd'), stored, 'PX', 60_000)
      for (let time = 0; time < 3; time++) {
        const answer = await one.post(ETH)
        expect(answer.statusCode).toBe(502)
        expect(answer.text).toContain('was refused')
      }
    },
  )

  it('ER-1: answers a reader with the reason of a cached error that the writer stored', async () => {
    await using redis = await redisServer()
    await using one = await still(redis.port, 'reader-writer', AT_ONCE)
    await using reader = await still(redis.port, 'reader', AT_ONCE)
    await one.transport.putError(ETH, 429, 'slow down')
    const answers = await Promise.all([one.post(ETH), reader.post(ETH)])
    for (const { statusCode, json } of answers) {
      expect(statusCode).toBe(429)
      expect(json()).toMatchObject({
        errorMessage: 'slow down',
        reason: { class: 'quota', message: 'slow down' },
      })
    }
  })

  it('answers a reader with what a writer gets, from the first request for a feed on', async () => {
    await using redis = await redisServer()
    await using provider = await wsProvider()
    await using writer = await acme(redis.port, 'writer', provider.url)
    await using reader = await acme(redis.port, 'reader', provider.url)
    expect(writer.api).toBeUndefined()
    const asked = reader.post(ETH)
    const connection = await provider.connection()
    expect(await connection.next()).toBe('{"op":"subscribe","s":"ETH/USD"}')
    connection.send({ s: 'ETH/USD', p: 1800.5 })
    const first = await asked
    expect(first).toMatchObject({ statusCode: 200 })
    expect(first.json().result).toBe(1800.5)
    connection.send({ s: 'ETH/USD', p: 1801 })
    await eventually(async () => expect((await reader.post(ETH)).json().result).toBe(1801))
    // A second feed, while the first is running.
    const second = reader.post(BTC)
    expect(await connection.next()).toBe('{"op":"subscribe","s":"BTC/USD"}')
    connection.send({ s: 'BTC/USD', p: 60_000 })
    expect((await second).json().result).toBe(60_000)
    expect(provider.connections).toHaveLength(1)
  })

  it('goes together with processes of the reference framework, on either side', async () => {
    await using redis = await redisServer()
    await using writer = await still(redis.port, 'writer')
    await using reader = await still(redis.port, 'reader', AT_ONCE)
    // A reader of the reference wants a feed, and reads what is written for it.
    await redis.client.zadd(SET, Date.now() + 60_000, '{"base":"ETH","quote":"USD"}')
    expect(await writer.transport.wanted()).toEqual([ETH])
    await writer.transport.put(ETH, 1800.5)
    expect(JSON.parse((await redis.client.get(keyOf('eth', 'usd')))!)).toMatchObject({ result: 1800.5 })
    // A writer of the reference writes for a reader of ours, and sees what that wants.
    const theirs =
      '{"result":60000,"data":{"result":60000},"timestamps":{"providerDataRequestedUnixMs":1,"providerDataReceivedUnixMs":2},"statusCode":200}'
    await redis.client.set(keyOf('btc', 'usd'), theirs, 'PX', 60_000)
    expect(await reader.post(BTC)).toMatchObject({ statusCode: 200, text: theirs })
    await eventually(async () =>
      expect(await redis.client.zrange(SET, 0, '-1')).toContain('{"base":"BTC","quote":"USD"}'),
    )
  })

  it('ER-6: wakes a request at once by a write of its own process, whatever the pause between two looks', async () => {
    await using redis = await redisServer()
    holdClock()
    await using one = await still(redis.port, 'reader-writer')
    const asked = one.post(ETH)
    await eventually(async () => expect(await one.transport.wanted()).toEqual([ETH]))
    await one.transport.put(ETH, 1)
    // Nobody moves the clock: no pause ends.
    expect((await asked).json().result).toBe(1)
  })

  it('6.6: looks once for each retry and answers 504 when the pauses are over', async () => {
    await using redis = await redisServer()
    const polling = { CACHE_POLLING_SLEEP_MS: '100', CACHE_POLLING_MAX_RETRIES: '3' }
    holdClock()
    await using reader = await still(redis.port, 'reader', polling)
    const before = await sent('get')
    const asked = watched(reader.post(ETH))
    // One look before it waits, and four while it does.
    for (const looks of [2, 3, 4, 5]) {
      await eventually(async () => expect((await sent('get')) - before).toBe(looks))
      await pass(99)
      expect((await sent('get')) - before).toBe(looks)
      expect(asked.isThere).toBe(false)
      await pass(1)
    }
    expect((await asked.work).statusCode).toBe(504)
    expect((await sent('get')) - before).toBe(5)
  })

  it('asks Redis nothing for a feed that this process writes', async () => {
    await using redis = await redisServer()
    await using one = await still(redis.port, 'reader-writer')
    await one.transport.put(ETH, 1)
    await one.post(ETH)
    const before = await sent('get')
    for (let n = 0; n < 20; n++) expect((await one.post(ETH)).statusCode).toBe(200)
    expect(await sent('get')).toBe(before)
  })

  it('14, 17.18: counts each write once, as one to Redis', async () => {
    await using redis = await redisServer()
    await using one = await still(redis.port, 'reader-writer')
    await one.transport.put(ETH, 1)
    await one.transport.put(ETH, 2)
    await one.post(ETH)
    const labels = { app_name: 'TEST', participant_id: keyOf('eth', 'usd'), cache_type: 'redis' }
    const samples = parseSamples(await renderMetrics())
    const of = (name: string) => sampleValue(samples, `cache_data_${name}`, labels)
    expect(['set_count', 'get_count', 'get_values'].map(of)).toEqual([2, 1, 2])
  })

  it('CA-7: takes what is no JSON for no value, and what is no object too', async () => {
    await using redis = await redisServer()
    await using reader = await still(redis.port, 'reader', AT_ONCE)
    for (const text of ['not JSON', '', 'null', '5', '"text"', 'true', '[]']) {
      await redis.client.set(keyOf('eth', 'usd'), text)
      expect((await reader.post(ETH)).statusCode, text).toBe(504)
    }
  })

  it('6.5: answers 500 with the text of what Redis says', async () => {
    await using redis = await redisServer()
    await using reader = await still(redis.port, 'reader', AT_ONCE)
    await redis.client.sadd(keyOf('eth', 'usd'), 'member')
    expect(await reader.post(ETH)).toMatchObject({
      statusCode: 500,
      text: 'WRONGTYPE Operation against a key holding the wrong kind of value',
    })
  })

  it('3.1: does not start in any other mode than reader-writer with the local cache', async () => {
    for (const mode of ['reader', 'writer'] as const) {
      const started = processOf(() => stillAdapter(), 1, mode, { CACHE_TYPE: 'local' })
      await expect(started).rejects.toThrow(`EA mode cannot be ${mode} while cache type is local`)
    }
  })
})

describeWithRedis('an adapter that cannot reach Redis', () => {
  it.each([
    ['is not there', async () => ({ port: await unusedPort(), more: {} })],
    ['has another password', async () => ({ password: 'right', more: { CACHE_REDIS_PASSWORD: 'wrong' } })],
  ])('starts when it %s, and a reader says so within a deadline', async (_name, deployment) => {
    const { port, password, more } = (await deployment()) as {
      port?: number
      password?: string
      more: Record<string, string>
    }
    await using redis = await redisServer({ password })
    // It moves for the first answer alone: neither the start nor the next one waits for anything.
    holdClock()
    await using reader = await still(port ?? redis.port, 'reader', { ...BRIEF, ...more })
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const asked = watched(reader.post(ETH))
    await eventually(() => expect(timers).toHaveBeenCalledWith(expect.anything(), 500))
    await pass(499)
    expect(asked.isThere).toBe(false)
    await pass(1)
    expect(await asked.work).toMatchObject({ statusCode: 500, text: UNEXPECTED })
    expect(await reader.post(ETH)).toMatchObject({ statusCode: 500, text: UNEXPECTED })
  })

  it('CA-4: serves what its own provider sends when Redis was never there', async () => {
    await using provider = await wsProvider()
    await using one = await acme(await unusedPort(), 'reader-writer', provider.url, BRIEF)
    const asked = one.post(ETH)
    const connection = await provider.connection()
    expect(await connection.next()).toBe('{"op":"subscribe","s":"ETH/USD"}')
    connection.send({ s: 'ETH/USD', p: 1 })
    expect((await asked).json().result).toBe(1)
  })

  it('CA-4: goes on with its provider while Redis is down, new feeds too, and with Redis when it is back', async () => {
    await using redis = await redisServer()
    await using provider = await wsProvider()
    const env = { ...BRIEF, CACHE_LOCK_DEFERRAL_MS: '0', CACHE_LOCK_DURATION: '500' }
    holdClock()
    await using one = await acme(redis.port, 'reader-writer', provider.url, env)
    const asked = one.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    connection.send({ s: 'ETH/USD', p: 1 })
    expect((await asked).json().result).toBe(1)

    await redis.kill()
    connection.send({ s: 'ETH/USD', p: 2 })
    // What is known is answered with no clock that moves.
    await eventually(async () => expect((await one.post(ETH)).json().result).toBe(2))
    const fresh = one.post(BTC)
    await eventually(async () => {
      await pass(50)
      expect(connection.received.at(-1)).toContain('BTC/USD')
    })
    expect(await connection.next()).toBe('{"op":"subscribe","s":"BTC/USD"}')
    connection.send({ s: 'BTC/USD', p: 3 })
    expect((await fresh).json().result).toBe(3)

    await redis.start()
    const key = 'ACME-price-default_single_transport-{"base":"eth","quote":"usd"}'
    await eventually(async () => {
      await pass(50)
      connection.send({ s: 'ETH/USD', p: 4 })
      expect(JSON.parse((await redis.client.get(key)) ?? '{}')).toMatchObject({ result: 4 })
    })
    expect((await one.post(ETH)).json().result).toBe(4)
    expect(provider.connections).toHaveLength(1)
  })

  it('CA-4: ends a request in time while Redis says nothing, and reads again when it does', async () => {
    await using redis = await redisServer()
    const polling = { ...BRIEF, CACHE_POLLING_SLEEP_MS: '100', CACHE_POLLING_MAX_RETRIES: '3' }
    await using reader = await still(redis.port, 'reader', polling)
    await using one = await still(redis.port, 'reader-writer', polling)
    await redis.client.set(keyOf('eth', 'usd'), '{"result":1,"statusCode":200}', 'PX', 60_000)
    await reader.post(BTC)
    redis.pause()
    const [read, own] = await Promise.all([reader.post(ETH), one.post(ETH)])
    redis.resume()
    expect(read).toMatchObject({ statusCode: 500, text: UNEXPECTED })
    expect(own.statusCode).toBe(504)
    await eventually(async () => expect((await reader.post(ETH)).json().result).toBe(1))
  })
})

describeWithRedis('the one writer', () => {
  const LOCK = { CACHE_LOCK_DEFERRAL_MS: '0', CACHE_LOCK_DURATION: '300', CACHE_LOCK_RETRIES: '3' }
  /** Stays with who has it, however late that one is. */
  const LONG = { ...LOCK, CACHE_LOCK_DURATION: '60000' }

  it('8.8: takes the lock after the deferral; a reader never does', async () => {
    await using redis = await redisServer()
    await using reader = await still(redis.port, 'reader', { ...LOCK, ...AT_ONCE })
    await using late = await still(redis.port, 'writer', { ...LOCK, CACHE_LOCK_DEFERRAL_MS: '60000' })
    expect(reader.adapter.lockAcquiredPromise).toBeUndefined()
    await reader.post(ETH)
    expect(await redis.client.exists('TEST')).toBe(0)
    await using writer = await still(redis.port, 'writer', LONG)
    expect(await writer.adapter.lockAcquiredPromise).toBe(true)
    expect(await redis.client.exists('TEST')).toBe(1)
    await late.stop()
    expect(await late.adapter.lockAcquiredPromise).toBe(false)
  })

  it('17.22: stops executing when another process is it', async () => {
    await using redis = await redisServer()
    await using first = await still(redis.port, 'writer', LONG)
    await first.adapter.lockAcquiredPromise
    const logs = collectLogs()
    await using second = await still(redis.port, 'reader-writer', LOCK)
    const passes = vi.spyOn(second.transport, 'backgroundHandler')
    await expect(second.adapter.lockAcquiredPromise).rejects.toThrow(LOCKED_OUT)
    const before = passes.mock.calls.length
    await second.transport.put(ETH, 2)
    expect(await redis.client.exists(keyOf('eth', 'usd'))).toBe(0)
    await first.transport.put(BTC, 3)
    // It still answers, with what the other one writes.
    expect((await second.post(BTC)).json().result).toBe(3)
    // Both make a pass every 10 ms while they make any.
    const others = vi.spyOn(first.transport, 'backgroundHandler')
    await eventually(() => expect(others.mock.calls.length).toBeGreaterThan(10))
    expect(passes.mock.calls.length).toBeLessThanOrEqual(before + 1)
    expect(logs.some(({ level, message }) => level === 'error' && LOCKED_OUT.test(message))).toBe(true)
  })

  it.each(['writer', 'reader-writer'] as const)(
    '3.2: is what `expose` waits for: it closes everything and throws when another %s is it',
    async (mode) => {
      await using redis = await redisServer()
      await redis.client.set('TEST', 'somebody', 'PX', 60_000)
      setEnv(envOf(redis.port, mode, { ...LOCK, METRICS_ENABLED: 'false' }))
      const { adapter, transport } = stillAdapter()
      const passes = vi.spyOn(transport, 'backgroundHandler')
      await expect(expose(adapter, { loggerFactory })).rejects.toThrow(LOCKED_OUT)
      expect(adapter.dependencies.redisClient.status).toBe('end')
      const before = passes.mock.calls.length
      expect(before).toBeGreaterThan(0)
      await redis.client.set('a-while', 1, 'PX', 100)
      await eventually(async () => expect(await redis.client.exists('a-while')).toBe(0))
      // The pass that was looking at its subscriptions just then ends.
      expect(passes.mock.calls.length).toBeLessThanOrEqual(before + 1)
    },
  )

  it('3.2: is exposed once it has the lock', async () => {
    await using redis = await redisServer()
    setEnv(envOf(redis.port, 'reader-writer', { ...LONG, METRICS_ENABLED: 'false' }))
    const { adapter } = stillAdapter()
    const api = await expose(adapter, { loggerFactory })
    expect(await redis.client.exists('TEST')).toBe(1)
    const client = adapter.dependencies.redisClient
    await api!.close()
    await eventually(() => expect(client.status).toBe('end'))
  })

  it('CA-6: is followed by another one when it stops', async () => {
    await using redis = await redisServer()
    await using first = await still(redis.port, 'writer', LOCK)
    await first.adapter.lockAcquiredPromise
    await first.stop()
    const patient = { ...LOCK, CACHE_LOCK_DURATION: '1000', CACHE_LOCK_RETRIES: '10' }
    await using second = await still(redis.port, 'writer', patient)
    expect(await second.adapter.lockAcquiredPromise).toBe(true)
  })
})

describeWithRedis('a service of several adapters with Redis', () => {
  const post = async (url: string) => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ data: ETH })
    const response = await fetch(url, { method: 'POST', headers, body })
    return { status: response.status, text: await response.text() }
  }

  it('3.2: runs each adapter in its own mode, and 17.22: one that another process writes for only reads', async () => {
    await using redis = await redisServer()
    await using provider = await wsProvider()
    const stored = '{"result":1,"statusCode":200}'
    for (const name of ['COINBASE', 'KRAKEN', 'BITFINEX'])
      await redis.client.set(
        `${name}-price-default_single_transport-{"base":"ETH","quote":"USD"}`,
        stored,
        'PX',
        60_000,
      )
    await redis.client.set('COINBASE', 'somebody', 'PX', 60_000)
    setEnv({
      ...envOf(redis.port, 'reader-writer', { METRICS_ENABLED: 'false', ...AT_ONCE }),
      CACHE_LOCK_DEFERRAL_MS: '0',
      CACHE_LOCK_DURATION: '200',
      CACHE_LOCK_RETRIES: '2',
      ADAPTERS: 'kraken,coinbase,bitfinex',
      KRAKEN_EA_MODE: 'reader',
      BITFINEX_EA_MODE: 'writer',
      KRAKEN_WS_API_ENDPOINT: 'ws://127.0.0.1:9',
      COINBASE_WS_API_ENDPOINT: 'ws://127.0.0.1:9',
      BITFINEX_WS_API_ENDPOINT: provider.url,
    })
    await redis.client.zadd(
      'BITFINEX-price-default_single_transport-subscriptionSet',
      Date.now() + 60_000,
      JSON.stringify(ETH),
    )
    const service = await startService()
    await provider.connection()
    await eventually(async () => expect(await redis.client.exists('BITFINEX')).toBe(1))
    await eventually(() => expect(provider.connections).toHaveLength(1))
    expect(await post(`${service.url}/kraken`)).toEqual({ status: 200, text: stored })
    expect(await post(`${service.url}/coinbase`)).toEqual({ status: 200, text: stored })
    expect((await post(`${service.url}/bitfinex`)).status).toBe(404)
    expect(await redis.client.exists('KRAKEN')).toBe(0)
    await service.stop()
    expect(await redis.client.get('COINBASE')).toBe('somebody')
  })
})
