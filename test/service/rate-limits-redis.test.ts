import { expect, it } from 'vitest'
import { httpAdapter, httpProvider, oneByOne } from '../transports/http/support'
import { eventually } from '../helpers/eventually'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { AT_ONCE, processOf, unusedPort } from './redis-support'

const rateLimiting = { tiers: { free: { rateLimit1m: 5 } } }
const BURST = { ...AT_ONCE, RATE_LIMITING_STRATEGY: 'burst' }

const started = (url: string, port: number, env: Record<string, string> = BURST) =>
  processOf(() => ({ adapter: httpAdapter(oneByOne(url), { rateLimiting }) }), port, 'reader-writer', env)

describeWithRedis('an adapter with Redis and a rate limit', () => {
  it('RL-2: does not spend again, after a restart, what it had spent before', async () => {
    await using redis = await redisServer()
    await using provider = await httpProvider(() => ({ body: { price: 1 } }))
    {
      await using process = await started(provider.url, redis.port)
      await process.post({ base: 'A' })
      await provider.seen(5)
    }
    await using process = await started(provider.url, redis.port)
    await process.post({ base: 'A' })
    const { rateLimiter } = process.adapter.dependencies
    await eventually(() => expect(rateLimiter.msUntilNextExecution()).toBeGreaterThan(20_000))
    expect(provider.asked).toHaveLength(5)
  })

  it('asks its provider though Redis is away', async () => {
    await using provider = await httpProvider(() => ({ body: { price: 1 } }))
    const env = { ...BURST, CACHE_REDIS_TIMEOUT: '500' }
    await using process = await started(provider.url, await unusedPort(), env)
    await process.post({ base: 'A' })
    await provider.seen(5)
    expect(provider.asked).toHaveLength(5)
  })
})
