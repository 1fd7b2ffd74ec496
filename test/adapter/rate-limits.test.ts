import { beforeEach, describe, expect, it } from 'vitest'
import { type Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type AdapterRateLimitingConfig } from '../../src/adapter/params'
import { BurstRateLimiter } from '../../src/public/rate-limiting/burst'
import { FixedIntervalRateLimiter } from '../../src/public/rate-limiting/fixed-interval'
import { type Variables, withEnv } from '../../src/testing/env'
import { Requester } from '../../src/public/util/requester'
import { stillAdapter, StillTransport } from '../http/support'

const warned: string[] = []
const silent = () => {}
const loggerFactory = {
  child: () => ({
    fatal: silent,
    error: silent,
    warn: (text: unknown) => void warned.push(String(text)),
    info: silent,
    debug: silent,
    trace: silent,
  }),
} as never

beforeEach(() => void (warned.length = 0))

const initialized = async (
  rateLimiting: AdapterRateLimitingConfig | undefined,
  variables: Variables = {},
  change: (adapter: Adapter) => void = silent,
) => {
  const env = withEnv({ METRICS_ENABLED: 'true', ...variables })
  try {
    const { adapter } = stillAdapter({ adapter: { rateLimiting } })
    change(adapter)
    await adapter.initialize({ loggerFactory })
    return adapter
  } finally {
    env.restore()
  }
}

const periodOf = ({ dependencies }: Adapter) => (dependencies.rateLimiter as FixedIntervalRateLimiter).period

const tiers = { free: { rateLimit1m: 30 }, pro: { rateLimit1s: 2 } }

describe('the budget of an adapter', () => {
  it('is that of its most restrictive tier, spent evenly (contract 17.12)', async () => {
    const adapter = await initialized({ tiers })
    expect(adapter.dependencies.rateLimiter).toBeInstanceOf(FixedIntervalRateLimiter)
    expect(periodOf(adapter)).toBe(2_000)
    expect(adapter.dependencies.requester).toBeInstanceOf(Requester)
  })

  it('is that of the tier, the strategy and the numbers in the settings', async () => {
    expect(periodOf(await initialized({ tiers }, { RATE_LIMIT_API_TIER: 'pro' }))).toBe(500)
    expect(periodOf(await initialized({ tiers }, { RATE_LIMIT_CAPACITY: '6' }))).toBe(10_000)
    const burst = await initialized({ tiers }, { RATE_LIMITING_STRATEGY: 'burst' })
    expect(burst.dependencies.rateLimiter).toBeInstanceOf(BurstRateLimiter)
    expect(burst.dependencies.rateLimiter).toMatchObject({ perMinuteLimit: 30 })
  })

  it('is what it has when it starts, not when it is made', async () => {
    const adapter = await initialized({ tiers }, {}, (made) => void (made.rateLimiting = undefined))
    expect(periodOf(adapter)).toBe(0)
  })

  it('may not be negative', async () => {
    await expect(initialized({ tiers: { free: { rateLimit1m: -1 } } })).rejects.toThrow(
      'Rate limit must be a positive number',
    )
    await expect(initialized({ tiers: { a: { rateLimit1s: 5, rateLimit1h: -1 } } })).rejects.toThrow(
      'Rate limit must be a positive number',
    )
  })

  it.each([
    [{ RATE_LIMIT_CAPACITY_SECOND: '3' }, 1],
    [{ RATE_LIMIT_CAPACITY: '121' }, 1],
    [{ RATE_LIMIT_CAPACITY_SECOND: '2' }, 0],
    [{ RATE_LIMIT_CAPACITY_MINUTE: '60' }, 0],
    [{ RATE_LIMIT_API_TIER: 'pro' }, 0],
  ])('that settings make %j warns %d times that no tier allows it', async (variables, times) => {
    await initialized({ tiers }, variables)
    expect(warned.filter((line) => line.startsWith('RATE_LIMIT_CAPACITY*'))).toHaveLength(times)
  })

  it('warns nobody of an adapter without tiers', async () => {
    await initialized(undefined, { RATE_LIMIT_CAPACITY: '5000' })
    expect(warned).toEqual([])
  })

  it('is not split by what endpoints are allocated (contract 17.13)', async () => {
    const other = new AdapterEndpoint({
      name: 'other',
      transport: new StillTransport(),
      rateLimiting: { allocationPercentage: 1 },
    })
    const { adapter } = stillAdapter({ adapter: { rateLimiting: { tiers }, endpoints: [other] } })
    await adapter.initialize({ loggerFactory })
    expect(periodOf(adapter)).toBe(2_000)
  })

  it('is kept by whatever is injected instead', async () => {
    const rateLimiter = new BurstRateLimiter().initialize([])
    const { adapter } = stillAdapter({ adapter: { rateLimiting: { tiers } } })
    await adapter.initialize({ loggerFactory, rateLimiter })
    expect(adapter.dependencies.rateLimiter).toBe(rateLimiter)
  })
})
