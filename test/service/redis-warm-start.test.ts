import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { eventually } from '../helpers/eventually'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { keyOf, stillAdapter } from '../http/support'
import { AT_ONCE, ETH, processOf } from './redis-support'

const KEY = keyOf('eth', 'usd')
const MAX_AGE_MS = 60_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

describeWithRedis('a process that starts with the values of an earlier one', () => {
  it('FR-2, FR-6: serves them with their own times, for what is left of their life, and none that is over', async () => {
    await using redis = await redisServer()
    const start = () =>
      processOf(
        () => stillAdapter({ endpoint: { guards: { maxAgeMs: MAX_AGE_MS, onlyWanted: false } } }),
        redis.port,
        'reader-writer',
        AT_ONCE,
      )
    const indicated = Date.now() - 40_000
    const earlier = await start()
    await earlier.transport.put(ETH, 5, indicated)
    const before = (await earlier.post(ETH)).text
    await eventually(async () => expect(await redis.client.get(KEY)).toBe(before))
    const leftMs = await redis.client.pttl(KEY)
    expect(leftMs).toBeLessThanOrEqual(MAX_AGE_MS - 40_000)
    await earlier[Symbol.asyncDispose]()
    await using later = await start()
    const after = await later.post(ETH)
    expect(after).toMatchObject({ statusCode: 200, text: before })
    expect(await redis.client.pttl(KEY)).toBeLessThanOrEqual(leftMs)
    // Its life is over, while nobody was there.
    await later[Symbol.asyncDispose]()
    await redis.client.pexpire(KEY, 1)
    await eventually(async () => expect(await redis.client.exists(KEY)).toBe(0))
    await using last = await start()
    expect((await last.post(ETH)).statusCode).toBe(504)
  })
})
