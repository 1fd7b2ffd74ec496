import { describe, expect, it } from 'vitest'
import { ageOf, type Freshness, freshnessUnder, hardLimitMs, lifetimeMs } from '../../src/feeds/freshness'
import { type AdapterResponse } from '../../src/feeds/responses'

const tick: Freshness = { mode: 'tick', maxAgeMs: 10 }
const confirmed: Freshness = { mode: 'confirmed', maxAgeMs: 10, hardMaxAgeMs: 100 }

describe('the freshness of an endpoint under settings', () => {
  it.each<[{ max?: number; hard?: number }, Freshness | undefined, Freshness | undefined]>([
    [{}, undefined, undefined],
    [{}, confirmed, confirmed],
    [{ max: 5 }, undefined, { mode: 'tick', maxAgeMs: 5 }],
    [{ max: 5 }, tick, { mode: 'tick', maxAgeMs: 5 }],
    [{ max: 5 }, confirmed, { mode: 'confirmed', maxAgeMs: 5, hardMaxAgeMs: 100 }],
    [{ hard: 50 }, undefined, { mode: 'tick', maxAgeMs: Infinity, hardMaxAgeMs: 50 }],
    [{ hard: 50 }, confirmed, { mode: 'confirmed', maxAgeMs: 10, hardMaxAgeMs: 50 }],
    [{ max: 5, hard: 50 }, confirmed, { mode: 'confirmed', maxAgeMs: 5, hardMaxAgeMs: 50 }],
  ])('with %j and %j is %j', (settings, declared, expected) => {
    const of = { FRESHNESS_MAX_AGE: settings.max, FRESHNESS_HARD_MAX_AGE: settings.hard }
    expect(freshnessUnder(of, declared)).toEqual(expected)
    expect(Object.keys(freshnessUnder(of, declared) ?? {})).toEqual(Object.keys(expected ?? {}))
  })
})

describe('how old a value may be', () => {
  it('is its hard limit only where it can be confirmed', () => {
    expect(hardLimitMs(confirmed)).toBe(100)
    expect(hardLimitMs({ mode: 'confirmed', maxAgeMs: 10 })).toBe(10)
    for (const mode of ['tick', 'scheduled'] as const)
      expect(hardLimitMs({ mode, maxAgeMs: 10, hardMaxAgeMs: 100 })).toBe(10)
  })
})

describe('the age of a value', () => {
  const at = (indicated?: number) =>
    ({ timestamps: { providerIndicatedTimeUnixMs: indicated } }) as unknown as AdapterResponse

  it('is by the provider’s time, else by receipt, and never below zero', () => {
    expect(ageOf(at(1_000), 1_500, 7)).toEqual({ ms: 500, by: 'provider' })
    expect(ageOf(at(1_000), 900, 7)).toEqual({ ms: 0, by: 'provider' })
    expect(ageOf(at(), 1_500, 7)).toEqual({ ms: 7, by: 'receipt' })
    expect(ageOf(at(), 1_500, -7)).toEqual({ ms: 0, by: 'receipt' })
  })
})

describe('how long a value may be served from its message on', () => {
  const age = (ms: number) => ({ ms, by: 'provider' as const })

  it('is the least of its TTL, what is left of its life, and how long one message counts', () => {
    expect(lifetimeMs(age(500), 90, undefined)).toBe(90)
    expect(lifetimeMs(age(4), 90, tick)).toBe(6)
    expect(lifetimeMs(age(4), 5, tick)).toBe(5)
    expect(lifetimeMs(age(14), 90, tick)).toBe(-4)
    expect(lifetimeMs(age(40), 90, confirmed)).toBe(10)
    expect(lifetimeMs(age(95), 90, confirmed)).toBe(5)
    expect(lifetimeMs(age(4), 90, { mode: 'scheduled', maxAgeMs: 60 })).toBe(56)
  })
})
