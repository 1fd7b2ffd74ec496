import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { eventually } from '../helpers/eventually'
import { keyOf } from '../http/support'
import { changed, holdClock, LimitsFile, pass, SAYS, WITHDRAWN } from './feed-limits-support'
import { AT_ONCE, ETH, still } from './redis-support'

beforeEach(holdClock)
afterEach(() => void vi.useRealTimers())

const KEY = keyOf('eth', 'usd')

describeWithRedis('limits of single feeds with Redis', () => {
  it('withdraw a feed there, for the writer and its readers, and give it back', async () => {
    using file = new LimitsFile()
    await using redis = await redisServer()
    const env = { ...AT_ONCE, FEED_LIMITS: file.path }
    await using writer = await still(redis.port, 'reader-writer', env)
    await using reader = await still(redis.port, 'reader', env)
    const stored = async () => JSON.parse((await redis.client.get(KEY)) ?? '{}') as object
    const answers = (of: typeof writer, statusCode: number, text: string) =>
      eventually(async () => {
        await pass(1_000)
        const answer = await of.post(ETH)
        expect(answer.text).toContain(text)
        expect(answer.statusCode).toBe(statusCode)
      })
    await writer.transport.put(ETH, 5)
    for (const one of [writer, reader]) await answers(one, 200, '"result":5')
    await changed(() => file.write({ 'ETH/USD': WITHDRAWN }), writer.adapter, reader.adapter)
    await eventually(async () =>
      expect(await stored()).toMatchObject({ errorMessage: SAYS, statusCode: 502 }),
    )
    for (const one of [writer, reader]) await answers(one, 502, SAYS)
    expect(await redis.client.pttl(KEY)).toBeLessThanOrEqual(15_000)
    await writer.transport.put(ETH, 6)
    for (const one of [writer, reader]) await answers(one, 502, SAYS)
    await changed(() => file.write({}), writer.adapter, reader.adapter)
    await eventually(async () => expect(await redis.client.exists(KEY)).toBe(0))
    await writer.transport.put(ETH, 7)
    for (const one of [writer, reader]) await answers(one, 200, '"result":7')
  })

  it('let readers serve the value before a jump for no longer than it may be held', async () => {
    await using redis = await redisServer()
    const env = { ...AT_ONCE, FEED_LIMITS: '{ "ETH/USD": { "maxJump": 0.2 } }' }
    await using writer = await still(redis.port, 'reader-writer', env)
    await writer.transport.put(ETH, 5)
    await eventually(async () => expect(await redis.client.pttl(KEY)).toBeGreaterThan(10_000))
    await writer.transport.put(ETH, 50)
    await eventually(async () => expect(await redis.client.pttl(KEY)).toBeLessThanOrEqual(10_000))
    await writer.transport.put(ETH, 51)
    await eventually(async () => expect(await redis.client.pttl(KEY)).toBeGreaterThan(10_000))
  })

  it('end a value there that an earlier process wrote, and that is out of a tightened range', async () => {
    using file = new LimitsFile()
    await using redis = await redisServer()
    const env = { ...AT_ONCE, FEED_LIMITS: file.path }
    await using earlier = await still(redis.port, 'reader-writer', env)
    await earlier.transport.put(ETH, 5)
    await earlier.stop()
    await using writer = await still(redis.port, 'reader-writer', env)
    expect((await writer.post(ETH)).json().result).toBe(5)
    await changed(() => file.write({ 'ETH/USD': { max: 4 } }), writer.adapter)
    await eventually(async () => expect(await redis.client.exists(KEY)).toBe(0))
    expect((await writer.post(ETH)).text).toContain('out-of-range')
  })

  it('tell a reader’s first client of a withdrawn feed, although the writer has never heard of it', async () => {
    using file = new LimitsFile({ 'ETH/USD': WITHDRAWN })
    await using redis = await redisServer()
    const env = { ...AT_ONCE, FEED_LIMITS: file.path }
    await using writer = await still(redis.port, 'writer', env)
    expect(writer.api).toBeUndefined()
    await using reader = await still(redis.port, 'reader', env)
    await eventually(async () => {
      const { statusCode, text } = await reader.post(ETH)
      await pass(1_000)
      expect(text).toContain(SAYS)
      expect(statusCode).toBe(502)
    })
  })
})
