import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Freshness } from '../../src/feeds/freshness'
import { localLayerOf } from '../../src/feeds/local-cache'
import { monotonicMs } from '../../src/util/clock'
import { eventually } from '../helpers/eventually'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { keyOf, stillAdapter } from '../http/support'
import { AT_ONCE, ETH, type Mode, processOf } from './redis-support'

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

  const limited = (freshness: Freshness, redisPort: number, mode: Mode = 'reader-writer') =>
    processOf(
      () => stillAdapter({ endpoint: { guards: { onlyWanted: false }, freshness } }),
      redisPort,
      mode,
      AT_ONCE,
    )
  const tick = (maxAgeMs: number): Freshness => ({ mode: 'tick', maxAgeMs })

  it.each([
    ['the provider', 40_000, 0],
    ['its receipt', undefined, 40_000],
  ])(
    'FR-6: never serves one that by the time of %s is too old for the limit that holds now',
    async (_whose, indicatedAgo, receivedAgo) => {
      await using redis = await redisServer()
      const now = Date.now()
      vi.setSystemTime(now - receivedAgo)
      const earlier = await limited(tick(MAX_AGE_MS), redis.port)
      await earlier.transport.put(ETH, 5, indicatedAgo && now - indicatedAgo)
      await eventually(async () => expect(await redis.client.exists(KEY)).toBe(1))
      await earlier[Symbol.asyncDispose]()
      vi.setSystemTime(now)
      for (const mode of ['reader', 'reader-writer'] as const) {
        await using later = await limited(tick(30_000), redis.port, mode)
        for (let time = 0; time < 2; time++) {
          const { statusCode, json } = await later.post(ETH)
          expect(statusCode).toBe(504)
          expect(json()).toMatchObject({ error: { reason: { code: 'STALE_VALUE' } } })
        }
      }
      await using patient = await limited(tick(50_000), redis.port, 'reader')
      expect(await patient.post(ETH)).toMatchObject({ statusCode: 200 })
      expect(localLayerOf(patient.local())?.read(KEY)?.endsAtMs).toBeLessThanOrEqual(monotonicMs() + 10_000)
    },
  )

  it('FR-2: lets no confirmation make them younger, or live on where they are too old', async () => {
    await using redis = await redisServer()
    const confirmed = { mode: 'confirmed', maxAgeMs: 30_000, hardMaxAgeMs: 60_000 } as const
    const now = Date.now()
    const earlier = await limited(confirmed, redis.port)
    await earlier.transport.put(ETH, 5)
    await eventually(async () => expect(await redis.client.exists(KEY)).toBe(1))
    await earlier[Symbol.asyncDispose]()
    await using later = await limited(confirmed, redis.port)
    vi.setSystemTime(now + 50_000)
    await later.transport.confirm(ETH, 30_000)
    expect(await redis.client.pttl(KEY)).toBeLessThanOrEqual(10_000)
    vi.setSystemTime(now + 60_000)
    await later.local().delete(KEY)
    expect((await later.post(ETH)).statusCode).toBe(504)
    await later.transport.confirm(ETH, 30_000)
    expect(await redis.client.exists(KEY)).toBe(0)
  })
})
