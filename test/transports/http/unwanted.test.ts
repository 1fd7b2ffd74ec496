import { afterEach, describe, expect, it, vi } from 'vitest'
import { metrics } from '../../../src/metrics/registry'
import { serve } from '../../../src/testing/serve'
import { httpAdapter, httpProvider, inBatches, oneByOne } from './support'

afterEach(() => vi.useRealTimers())

/** An adapter that may send one request a second, and keeps feeds wanted for 2.5 s. */
const slow = async (make: typeof oneByOne, env: Record<string, string> = {}) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  const provider = await httpProvider(() => ({ body: { price: 1, A: 1, B: 1 } }))
  const rateLimiting = { tiers: { free: { rateLimit1s: 1 } } }
  const service = await serve(() => httpAdapter(make(provider.url), { rateLimiting }), {
    env: { CACHE_POLLING_MAX_RETRIES: '0', WARMUP_SUBSCRIPTION_TTL: '2500', RETRY: '0', ...env },
  })
  /** Half a second with all that it brings. */
  const half = async () => {
    await vi.advanceTimersByTimeAsync(500)
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    provider,
    service,
    /** Lets time pass, in which clients ask for these feeds. */
    async pass(seconds: number, ...wanted: string[]) {
      const before = provider.asked.length
      for (let n = 0; n < seconds * 2; n++) {
        for (const base of wanted) await service.post({ base })
        await half()
      }
      return provider.asked.slice(before).map(({ path }) => path)
    },
    async [Symbol.asyncDispose]() {
      await service.stop()
      await provider[Symbol.asyncDispose]()
    },
  }
}

const queued = async () => {
  const { values } = await metrics.get('requesterQueueSize').get()
  return values.reduce((sum, { value }) => sum + value, 0)
}

describe('RL-5: a request that waits for its turn, of a feed that nobody wants any more', () => {
  it('is never sent, costs no quota, and leaves no one waiting', async () => {
    await using rig = await slow(oneByOne)
    const size = await queued()
    const first = await rig.pass(1, 'A', 'B', 'C', 'D', 'E', 'F')
    expect(first.length).toBeGreaterThan(0)
    expect(await queued()).toBeGreaterThan(size)
    await rig.pass(2, 'A')
    // From here on nobody has asked for the others for longer than they stay wanted: every slot is of use.
    const later = await rig.pass(5, 'A')
    expect(new Set(later)).toEqual(new Set(['/A']))
    expect(later.length).toBeGreaterThanOrEqual(4)
    expect(await queued()).toBe(size)
    const sent = rig.provider.asked.map(({ path }) => path)
    expect(new Set(sent).size).toBeLessThan(6)
  })

  it('makes room for one that is wanted when the queue is full', async () => {
    await using rig = await slow(oneByOne, { MAX_HTTP_REQUEST_QUEUE_LENGTH: '3' })
    const overflows = async () => (await metrics.get('requesterQueueOverflow').get()).values[0]?.value ?? 0
    await rig.pass(0.5, 'A', 'B', 'C', 'D')
    await rig.pass(2.5)
    const before = await overflows()
    const later = await rig.pass(4, 'X', 'Y', 'Z')
    expect(new Set(later)).toEqual(new Set(['/X', '/Y', '/Z']))
    expect(await overflows()).toBe(before)
  })

  it('is sent after all when somebody asks for it again meanwhile', async () => {
    await using rig = await slow(oneByOne)
    await rig.pass(0.5, 'A', 'B', 'C', 'D')
    await rig.pass(1.5)
    await rig.pass(0.5, 'D')
    expect(await rig.pass(3, 'D')).toContain('/D')
  })

  it('is sent where it is a request for another feed as well', async () => {
    await using rig = await slow(inBatches)
    await rig.pass(0.5, 'A', 'B')
    expect((await rig.pass(4, 'A')).length).toBeGreaterThanOrEqual(3)
    expect(rig.provider.asked.at(-1)?.path).toBe('/batch?bases=A')
  })
})
