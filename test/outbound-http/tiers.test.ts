import { beforeEach, describe, expect, it } from 'vitest'
import {
  buildRateLimitTiersFromConfig,
  consolidateTierLimits,
  getRateLimitingTier,
  highestRateLimitTiers,
  highestTierLimit,
  lowestTierLimit,
} from '../../src/public/rate-limiting'
import { RateLimiterFactory, RateLimitingStrategy } from '../../src/public/rate-limiting/factory'
import { FixedIntervalRateLimiter } from '../../src/public/rate-limiting/fixed-interval'
import { BurstRateLimiter } from '../../src/public/rate-limiting/burst'
import { LoggerFactoryProvider } from '../../src/util/logging'

const nothing = () => {}

beforeEach(() => {
  LoggerFactoryProvider.set({ child: () => ({ info: nothing, warn: nothing }) } as never)
})

describe('the limits of a tier', () => {
  it('are compared in requests per second', () => {
    expect(consolidateTierLimits({ rateLimit1h: 30 })).toEqual([30 / 3600, Infinity, Infinity])
    expect(consolidateTierLimits({ rateLimit1m: 60, rateLimit1s: 3 })).toEqual([Infinity, 1, 3])
    expect(highestTierLimit({ rateLimit1m: 60, rateLimit1s: 3 })).toBe(3)
    expect(lowestTierLimit({ rateLimit1m: 60, rateLimit1s: 3 })).toBe(1)
  })

  it('are compared per day and per 30 days as well', () => {
    const tier = { rateLimit1d: 86_400, rateLimit30d: 1_296_000 }
    expect(consolidateTierLimits(tier)).toEqual([Infinity, Infinity, Infinity, 1, 0.5])
    expect([lowestTierLimit(tier), highestTierLimit(tier)]).toEqual([0.5, 1])
  })

  it('are none where there is no tier, nothing in it, or zero', () => {
    for (const tier of [undefined, {}, { rateLimit1s: 0 }, { rateLimit1m: 0, note: 'x' }]) {
      expect(consolidateTierLimits(tier)).toEqual([Infinity, Infinity, Infinity])
      expect(highestTierLimit(tier)).toBe(0)
      expect(lowestTierLimit(tier)).toBe(Infinity)
    }
  })

  it('have a most permissive one among all tiers', () => {
    const tiers = { a: { rateLimit1m: 60 }, b: { rateLimit1s: 3 }, c: { rateLimit1h: 36_000 } }
    expect(highestRateLimitTiers(tiers)).toBe(10)
    expect(highestRateLimitTiers()).toBe(0)
    expect(() => highestRateLimitTiers({})).toThrow('The tiers object is defined, but has no entries')
  })
})

describe('the tier that is kept to', () => {
  const tiers = { a: { rateLimit1m: 60 }, b: { rateLimit1s: 3 }, c: { rateLimit1h: 36 } }

  it('is what the settings say by number, whatever the tiers are', () => {
    expect(buildRateLimitTiersFromConfig({ RATE_LIMIT_CAPACITY: 5 })).toEqual({
      rateLimit1s: undefined,
      rateLimit1m: 5,
    })
    const numbers = { RATE_LIMIT_CAPACITY: 5, RATE_LIMIT_CAPACITY_MINUTE: 6, RATE_LIMIT_CAPACITY_SECOND: 1 }
    expect(getRateLimitingTier(numbers, tiers, true)).toEqual({ rateLimit1s: 1, rateLimit1m: 6 })
    expect(getRateLimitingTier({ RATE_LIMIT_CAPACITY: 0 }, undefined)).toBeUndefined()
  })

  it('is the one that is named', () => {
    expect(getRateLimitingTier({ RATE_LIMIT_API_TIER: 'b' }, tiers)).toBe(tiers.b)
    expect(() => getRateLimitingTier({ RATE_LIMIT_API_TIER: 'x' }, { a: {}, b: {} })).toThrow(
      'The selected rate limit tier "x" is not valid (can be one of "a", "b")',
    )
    expect(() => getRateLimitingTier({ RATE_LIMIT_API_TIER: 'toString' }, tiers)).toThrow('is not valid')
  })

  it('is the most restrictive one by default (contract 17.12)', () => {
    expect(getRateLimitingTier({}, tiers)).toBe(tiers.c)
    const close = { a: { rateLimit1s: 5, rateLimit1m: 10 }, b: { rateLimit1s: 1 } }
    expect(getRateLimitingTier({}, close)).toBe(close.a)
    const longest = { a: { rateLimit1h: 100 }, b: { rateLimit1h: 200, rateLimit30d: 1_000 } }
    expect(getRateLimitingTier({}, longest)).toBe(longest.b)
  })

  it('has to be named where the adapter says so', () => {
    expect(() => getRateLimitingTier({}, tiers, true)).toThrow(
      'This adapter requires you to specify a rate limit tier via the RATE_LIMIT_API_TIER environment variable',
    )
    expect(getRateLimitingTier({}, undefined, true)).toBeUndefined()
    expect(() => getRateLimitingTier({}, {})).toThrow('The tiers object is defined, but has no entries')
  })
})

it('the factory makes a limiter for each strategy', () => {
  expect(RateLimiterFactory.buildRateLimiter(RateLimitingStrategy.BURST)).toBeInstanceOf(BurstRateLimiter)
  expect(RateLimiterFactory.buildRateLimiter(RateLimitingStrategy.FIXED_INTERVAL)).toBeInstanceOf(
    FixedIntervalRateLimiter,
  )
  expect(RateLimitingStrategy).toEqual({ BURST: 'burst', FIXED_INTERVAL: 'fixed-interval' })
})
