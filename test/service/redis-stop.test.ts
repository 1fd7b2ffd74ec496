import { afterEach, expect, it, vi } from 'vitest'
import { holdClock, pass, turn, watched } from '../redis/redis-support'
import { GUARD_MS } from '../helpers/eventually'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { stillAdapter } from '../http/support'
import { AT_ONCE, ETH, processOf, still, unusedPort } from './redis-support'

afterEach(() => void vi.useRealTimers())

describeWithRedis('stopping an adapter with Redis', () => {
  const open = (kinds: RegExp): string =>
    process
      .getActiveResourcesInfo()
      .filter((name) => kinds.test(name))
      .sort()
      .join()
  const sockets = () => open(/TCP|Pipe/)

  /** No socket more than before, and no timer at all. Looks without a timer of its own; the test runner has some now and then. */
  const isBackTo = async (before: string): Promise<void> => {
    const startedAt = performance.now()
    const isBack = () => sockets() === before && open(/Timeout/) === ''
    while (!isBack() && performance.now() - startedAt < GUARD_MS)
      await new Promise((resolve) => setImmediate(resolve))
    expect([sockets(), open(/Timeout/)]).toEqual([before, ''])
  }

  it.each(['reader', 'writer', 'reader-writer'] as const)(
    'LC-3: leaves no socket and no timer of a %s, with Redis or without',
    async (mode) => {
      await using redis = await redisServer()
      await redis.client.ping()
      const before = sockets()
      const env = { ...AT_ONCE, CACHE_LOCK_DEFERRAL_MS: '60000' }
      const started = await still(redis.port, mode, env)
      if (mode === 'writer') await started.transport.put(ETH, 1)
      else await started.post(ETH)
      await started[Symbol.asyncDispose]()
      await isBackTo(before)

      const brief = { CACHE_REDIS_TIMEOUT: '500', CACHE_LOCK_DEFERRAL_MS: '0' }
      const alone = await still(await unusedPort(), mode, { ...env, ...brief })
      if (mode !== 'writer') await alone.post(ETH)
      await alone[Symbol.asyncDispose]()
      await isBackTo(before)
    },
  )

  it('LC-3: ends in time when Redis does not answer', async () => {
    await using redis = await redisServer()
    holdClock()
    const started = await still(redis.port, 'reader-writer', { ...AT_ONCE, CACHE_REDIS_TIMEOUT: '500' })
    await started.post(ETH)
    redis.pause()
    const stopped = watched(started[Symbol.asyncDispose]())
    // For an answer to what is under way, for one to the farewell, and for the end of the connection.
    for (const ms of [0, 500, 500, 500]) {
      await pass(ms)
      for (let turns = 0; turns < 20; turns++) await turn()
    }
    expect(stopped.isThere).toBe(true)
    redis.resume()
  })

  it('leaves no connection behind when the adapter cannot start', async () => {
    await using redis = await redisServer()
    await redis.client.ping()
    const before = sockets()
    const twice = () => {
      const made = stillAdapter()
      made.adapter.endpoints.push(made.endpoint as never)
      return made
    }
    await expect(processOf(twice, redis.port, 'reader')).rejects.toThrow('Duplicate endpoint')
    const badPath = still(redis.port, 'reader', { BASE_URL: 'no-slash' })
    await expect(badPath).rejects.toThrow()
    await isBackTo(before)
  })
})
